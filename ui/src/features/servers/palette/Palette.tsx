import { Dialog } from "@base-ui/react/dialog";
import { useInfiniteQuery, useMutation, useQuery, useQueryClient } from "@tanstack/react-query";
import { useId, useState, type KeyboardEvent } from "react";
import { useParams } from "wouter";
import { describe } from "@/api/errors";
import { useUser } from "@/api/session";
import type { Server } from "@/api/types";
import { readFilters } from "@/features/servers/list/filters";
import { askServer, serverQueries } from "@/features/servers/queries";
import { useRole } from "@/features/servers/role";
import { useSettled } from "@/lib/hooks";
import { classes } from "@/lib/classes";
import { go } from "@/lib/location";
import { paths } from "@/paths";
import { Failure } from "@/ui/Failure";
import { words } from "@/words";
import { looks, matching, ofServer, places, toServer, type Command } from "./commands";

const TYPING_MS = 150;
const MOST_SERVERS = 8;

/** Everything by keyboard: servers by name or address, what the one in view allows, the pages, how it looks. */
export function Palette({ open, onClose }: { open: boolean; onClose: () => void }) {
  return (
    <Dialog.Root open={open} onOpenChange={(next) => (next ? undefined : onClose())}>
      <Dialog.Portal>
        <Dialog.Backdrop className="fixed inset-0 z-20 bg-black/50" />
        <Dialog.Popup className="fixed inset-x-4 top-[10dvh] z-20 mx-auto flex max-h-[75dvh] max-w-xl flex-col overflow-hidden rounded-card border border-line bg-surface shadow-float">
          <Dialog.Title className="sr-only">{words.palette.title}</Dialog.Title>
          <Commands onClose={onClose} />
        </Dialog.Popup>
      </Dialog.Portal>
    </Dialog.Root>
  );
}

/** The server on whose page the palette was opened. */
function useServerInView() {
  const { id = "" } = useParams();
  const { data } = useQuery({ ...serverQueries.detail(id), enabled: id !== "" });
  const current = data?.current_operation ?? "";
  const operation = useQuery({ ...serverQueries.operation(current), enabled: current !== "" });
  const role = useRole(data);
  return data ? ofServer(data, operation.data, role) : [];
}

function isCalled(server: Server, text: string): boolean {
  const names = [server.name, ...server.ips.map(({ address }) => address)];
  return names.some((name) => name.toLowerCase().includes(text.toLowerCase()));
}

function useFound(typed: string): Command[] {
  const user = useUser();
  const q = useSettled(typed.trim(), TYPING_MS);
  const filters = readFilters(new URLSearchParams(q ? { q } : {}), user);
  const { data } = useInfiniteQuery({ ...serverQueries.list(filters), enabled: q !== "" });
  // Until they are asked for what was typed since, those found before stay only where that fits them too.
  const fits = (server: Server) => q === typed.trim() || isCalled(server, typed.trim());
  const servers = q ? (data?.pages[0]?.data ?? []).filter(fits).slice(0, MOST_SERVERS) : [];
  const here = useServerInView();
  return [...servers.map(toServer), ...matching([...here, ...places(user), ...looks()], typed)];
}

function Commands({ onClose }: { onClose: () => void }) {
  const id = useId();
  const [typed, setTyped] = useState("");
  const [at, setAt] = useState(0);
  const found = useFound(typed);
  const { run, failure } = useRun(onClose);
  const chosen = found[Math.min(at, found.length - 1)];
  const onKey = (event: KeyboardEvent) => {
    const step = { ArrowDown: 1, ArrowUp: -1 }[event.key];
    if (step) setAt((now) => (Math.min(now, found.length - 1) + step + found.length) % Math.max(found.length, 1));
    else if (event.key === "Enter" && chosen) run(chosen);
    else return;
    event.preventDefault();
  };
  return (
    <>
      <input
        role="combobox"
        aria-label={words.palette.field}
        aria-expanded
        aria-controls={id}
        aria-activedescendant={chosen ? `${id}-${chosen.id}` : undefined}
        placeholder={words.palette.hint}
        value={typed}
        onChange={(event) => {
          setTyped(event.target.value);
          setAt(0);
        }}
        onKeyDown={onKey}
        className="h-14 shrink-0 border-b border-line bg-transparent px-4 text-large -outline-offset-2 placeholder:text-soft"
      />
      {failure}
      <div id={id} role="listbox" aria-label={words.palette.results} className="overflow-y-auto p-2">
        {found.map((command) => (
          <Option
            key={command.id}
            id={`${id}-${command.id}`}
            command={command}
            chosen={command === chosen}
            onRun={() => run(command)}
          />
        ))}
      </div>
      <p role="status" className={found.length > 0 ? "sr-only" : "p-4 pt-0 text-soft"}>
        {found.length > 0 ? words.palette.count(found.length) : words.palette.none}
      </p>
    </>
  );
}

function useRun(onClose: () => void) {
  const client = useQueryClient();
  const ask = useMutation({
    mutationFn: ({ server, action }: NonNullable<Command["ask"]>) => askServer(client, server.id, { type: action }),
    onSuccess: (_, { server }) => {
      onClose();
      go(paths.server(server.id));
    },
  });
  const run = (command: Command) => {
    if (command.ask) return ask.isPending ? undefined : ask.mutate(command.ask);
    command.run?.();
    onClose();
    if (command.to) go(command.to);
  };
  const failure = ask.error ? (
    <Failure title={words.server.actionFailed(words.actions[ask.variables.action])} {...describe(ask.error)} />
  ) : null;
  return { run, failure };
}

interface OptionProps {
  id: string;
  command: Command;
  chosen: boolean;
  onRun: () => void;
}

function Option({ id, command, chosen, onRun }: OptionProps) {
  return (
    // The field keeps the focus and hears the keys; a row hears only the mouse.
    // oxlint-disable-next-line jsx-a11y/click-events-have-key-events
    <div
      id={id}
      ref={(row) => (chosen ? row?.scrollIntoView?.({ block: "nearest" }) : undefined)}
      role="option"
      tabIndex={-1}
      aria-selected={chosen}
      onClick={onRun}
      className={classes(
        "flex min-h-11 cursor-pointer items-center justify-between gap-4 rounded-control px-3 hover:bg-raised",
        chosen && "bg-raised",
      )}
    >
      <span className="min-w-0 wrap-anywhere">{command.label}</span>
      <span className="shrink-0 text-small text-soft">{command.hint}</span>
    </div>
  );
}
