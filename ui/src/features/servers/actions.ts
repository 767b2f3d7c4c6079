import { mayAct, mayManage } from "@/api/roles";
import type { MemberRole, Operation, Server, ServerStatus } from "@/api/types";
import { words } from "@/words";

export type Action = keyof typeof words.actions;

const ready: readonly ServerStatus[] = ["running", "stopped", "paused"];

/** Which action each status allows: the mirror of `x-allowed` in the API description, which has the last word. */
export const allowed: Record<Action, readonly ServerStatus[]> = {
  start: ["stopped"],
  shutdown: ["running", "paused"],
  reboot: ["running"],
  stop: ["running", "paused"],
  rebuild: ready,
  resize: ["running", "stopped"],
  rename: ready,
  reset_password: ["running", "stopped"],
  snapshot: ready,
  snapshot_restore: ready,
  snapshot_delete: ready,
  backup: ready,
  backup_restore: ready,
  backup_delete: ready,
  terminate: ["running", "stopped", "paused", "failed"],
  restore: ["terminating"],
};

/** What staff may do besides; the mirror of `staff_allowed` in domain/server/operations.py. */
const allowedToStaff: Partial<Record<Action, readonly ServerStatus[]>> = { terminate: ["suspended"] };

/** What costs, or ends a server, takes more than to act on it: the mirror of `x-roles`. */
const further: readonly Action[] = ["resize", "restore", "terminate"];

/** Whether a role in the account of a server allows the action. */
export const mayAsk = (action: Action, role: MemberRole) => (further.includes(action) ? mayManage : mayAct)(role);

/**
 * Why the action is not possible now, in words; null when it is. `operation` is the current one, if known; `role` is
 * that of the user in the server's account, if they have one.
 */
export function whyNot(action: Action, server: Server, operation?: Operation, role?: MemberRole | null): string | null {
  if (role && !server.admin && !mayAsk(action, role)) return words.whyNot.role(words.accounts.roleNames[role]);
  if (server.current_operation) return words.whyNot.busy(doing(server, operation));
  if (server.status === "unlinked" || server.status === "unknown") return words.whyNot[server.status];
  if (server.admin?.mode === "observe") return words.whyNot.observe;
  if (action === "terminate" && server.protection.delete) return words.whyNot.protected;
  if (action === "restore" && !canStillUndo(server)) return words.whyNot.purged;
  return isAllowed(action, server) ? null : notInStatus(action, server.status);
}

/** Only staff is told where a server is. */
function isAllowed(action: Action, { status, admin }: Server): boolean {
  return allowed[action].includes(status) || (Boolean(admin) && Boolean(allowedToStaff[action]?.includes(status)));
}

function doing(server: Server, operation: Operation | undefined): string {
  return operation ? words.operationType(operation.type) : words.status[server.status].replace("…", "");
}

function canStillUndo({ purge_at }: Server): boolean {
  return purge_at === null || Date.parse(purge_at) > Date.now();
}

function notInStatus(action: Action, status: ServerStatus): string {
  if (action === "start" && status === "running") return words.whyNot.running;
  if ((action === "shutdown" || action === "stop") && status === "stopped") return words.whyNot.stopped;
  return words.whyNot.status(words.status[status]);
}

/** The actions at the top of a server's page. */
export type RailAction = Extract<
  Action,
  "start" | "shutdown" | "reboot" | "stop" | "rebuild" | "terminate" | "restore"
>;

/** The buttons a server shows; a terminating one offers only the way back. */
export function offered(server: Server, operation?: Operation): readonly RailAction[] {
  if (server.status === "terminated") return [];
  if (server.status === "terminating" || operation?.type === "restore") return ["restore"];
  return ["start", "shutdown", "reboot", "stop", "rebuild", "terminate"];
}
