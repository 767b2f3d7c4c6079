import type { Operation, Server, ServerStatus } from "./types";
import { words } from "@/words";

/** What a server can be held for; the mirror of `HOLDS` in domain/server/operations.py. */
export const HOLDS = ["non_payment", "abuse", "admin"] as const;
export type Hold = (typeof HOLDS)[number];

const suspendable: readonly ServerStatus[] = ["running", "stopped", "paused", "suspended"];

export function isHeld(server: Server, hold: Hold): boolean {
  return server.suspension?.reasons.includes(hold) ?? false;
}

/** Why holds can be neither placed nor lifted now, in words; null when they can. */
export function whyNotHold(server: Server, operation?: Operation): string | null {
  const whyNot = words.whyNot;
  if (server.current_operation)
    return whyNot.busy(operation ? words.operationType(operation.type) : words.status[server.status]);
  if (server.status === "unlinked" || server.status === "unknown") return whyNot[server.status];
  if (server.admin?.mode === "observe") return whyNot.observe;
  return suspendable.includes(server.status) ? null : whyNot.status(words.status[server.status]);
}
