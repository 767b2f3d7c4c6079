import type { Server } from "@/api/types";
import { whyNot, type Action } from "@/features/servers/actions";

export type BulkAction = Extract<Action, "start" | "shutdown" | "reboot" | "stop">;

export const bulkActions: readonly BulkAction[] = ["start", "shutdown", "reboot", "stop"];

/** What becomes of one server: left out and why, asked for, or refused and why. */
export type Outcome =
  | { server: Server; state: "left"; why: string }
  | { server: Server; state: "waiting" }
  | { server: Server; state: "accepted"; operation: string }
  | { server: Server; state: "refused"; error: unknown };

/** Before anything is asked: which servers the action is for, and which are left out. */
export function plan(action: BulkAction, servers: readonly Server[]): Outcome[] {
  return servers.map((server) => {
    const why = whyNot(action, server);
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
