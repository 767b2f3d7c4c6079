import type { MemberRole, Operation, Server, User } from "@/api/types";
import { whyNot, type Action } from "@/features/servers/actions";
import { primaryAddress } from "@/features/servers/specs";
import { chooseTheme, type Theme } from "@/lib/theme";
import { paths } from "@/paths";
import { words } from "@/words";

export interface Command {
  id: string;
  label: string;
  hint: string;
  /** Where it leads, or what it does. */
  to?: string;
  run?: () => void;
  ask?: { server: Server; action: PaletteAction };
}

export type PaletteAction = Extract<Action, "start" | "shutdown" | "reboot" | "stop" | "restore">;
const actions: readonly PaletteAction[] = ["start", "shutdown", "reboot", "stop", "restore"];
const themes: readonly Theme[] = ["light", "dark", "system"];

const page = (label: string, to: string): Command => ({ id: to, label, hint: words.palette.page, to });

/** The places of the whole dashboard. */
export function places(user: User | null): Command[] {
  const account = words.account;
  const shell = words.shell;
  return [
    page(shell.servers, paths.servers()),
    page(words.servers.create, paths.newServer()),
    page(account.profile, paths.account()),
    page(words.members.title, paths.accountMembers()),
    page(account.security, paths.accountSecurity()),
    page(account.keys, paths.accountKeys()),
    page(account.tokens, paths.accountTokens()),
    ...(user?.role === "admin" ? [page(shell.staff, paths.admin())] : []),
  ];
}

export function looks(): Command[] {
  const { look, theme } = words.palette;
  return themes.map((each) => ({
    id: `theme:${each}`,
    label: theme[each],
    hint: look,
    run: () => chooseTheme(each),
  }));
}

/** What can be done to a server now, and its pages. */
export function ofServer(server: Server, operation: Operation | undefined, role: MemberRole | null): Command[] {
  const palette = words.palette;
  const legal = actions.filter((action) => whyNot(action, server, operation, role) === null);
  const pages = [
    [words.server.console, paths.serverConsole(server.id)],
    [words.server.graphs, paths.serverGraphs(server.id)],
    [words.server.network, paths.serverNetwork(server.id)],
    [words.server.backups, paths.serverBackups(server.id)],
    [words.server.history, paths.serverHistory(server.id)],
    [words.server.settings, paths.serverSettings(server.id)],
  ] as const;
  return [
    ...legal.map((action) => ({
      id: action,
      label: palette.act(words.actions[action], server.name),
      hint: palette.action,
      ask: { server, action },
    })),
    ...pages.map(([label, to]) => page(palette.act(label, server.name), to)),
  ];
}

export function toServer(server: Server): Command {
  const hint = primaryAddress(server) ?? words.palette.server;
  return { id: server.id, label: server.name, hint, to: paths.server(server.id) };
}

/** Those whose words all begin, or contain, what was typed. */
export function matching(commands: readonly Command[], typed: string): Command[] {
  const parts = typed.toLowerCase().split(/\s+/).filter(Boolean);
  return commands.filter(({ label }) => parts.every((part) => label.toLowerCase().includes(part)));
}
