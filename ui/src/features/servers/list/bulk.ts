import { HOLDS, isHeld, whyNotHold, type Hold } from "@/api/holding";
import type { Server } from "@/api/types";
import { whyNot, type Action } from "@/features/servers/actions";
import { words } from "@/words";

type PowerAction = Extract<Action, "start" | "shutdown" | "reboot" | "stop">;
export type BulkAction = PowerAction | "suspend" | "unsuspend";

/** What is asked of each. */
export type BulkAsk =
  { type: PowerAction } | { type: "suspend"; reason: Hold; note: string } | { type: "unsuspend"; reason: Hold };

const powerActions: readonly PowerAction[] = ["start", "shutdown", "reboot", "stop"];

/** Only staff keep servers from their owners. */
export const bulkActions = (staff: boolean): readonly BulkAction[] =>
  staff ? [...powerActions, "suspend", "unsuspend"] : powerActions;

export function bulkAsk(type: BulkAction, reason: Hold, note: string): BulkAsk {
  if (type === "suspend") return { type, reason, note };
  return type === "unsuspend" ? { type, reason } : { type };
}

function whyLeft(ask: BulkAsk, server: Server): string | null {
  if (ask.type !== "suspend" && ask.type !== "unsuspend") return whyNot(ask.type, server);
  const held = isHeld(server, ask.reason);
  if (ask.type === "suspend" && held) return words.bulk.heldAlready;
  if (ask.type === "unsuspend" && !held) return words.bulk.notHeld;
  return whyNotHold(server);
}

/** Whether an action is for any of the servers, for whatever reason it is asked. */
export function isForAny(action: BulkAction, servers: readonly Server[]): boolean {
  return HOLDS.some((hold) => waiting(plan(bulkAsk(action, hold, ""), servers)).length > 0);
}

/** What becomes of one server: left out and why, asked for, or refused and why. */
export type Outcome =
  | { server: Server; state: "left"; why: string }
  | { server: Server; state: "waiting" }
  | { server: Server; state: "accepted"; operation: string }
  | { server: Server; state: "refused"; error: unknown };

/** Before anything is asked: which servers the action is for, and which are left out. */
export function plan(ask: BulkAsk, servers: readonly Server[]): Outcome[] {
  return servers.map((server) => {
    const why = whyLeft(ask, server);
    return why ? { server, state: "left", why } : { server, state: "waiting" };
  });
}

export function waiting(outcomes: readonly Outcome[]): Server[] {
  return outcomes.filter(({ state }) => state === "waiting").map(({ server }) => server);
}

/** Do `work` for each, `atOnce` at a time; nobody's failure holds up the others, for `work` does not throw. */
export async function inTurns<T>(items: readonly T[], atOnce: number, work: (item: T) => Promise<void>): Promise<void> {
  const queue = [...items];
  const worker = async () => {
    for (let next = queue.shift(); next !== undefined; next = queue.shift()) await work(next);
  };
  await Promise.all(Array.from({ length: atOnce }, worker));
}
