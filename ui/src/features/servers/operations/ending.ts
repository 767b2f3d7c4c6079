import type { Operation, Server, User } from "@/api/types";
import { words } from "@/words";

/*
 * Who may have an operation tried again or given up, and when: the mirror of `end` in domain/server/decide.py,
 * which has the last word.
 */

/** Why it cannot be tried again, in words; null when it can; undefined when there is nothing to try again. */
export function whyNotRetry(operation: Operation, server: Server, user: User | null): string | null | undefined {
  const { whyNotRetry: why } = words.operation;
  const attention = operation.status === "needs_attention";
  if (!attention && operation.status !== "failed") return undefined;
  if (server.current_operation && server.current_operation !== operation.id) return why.busy;
  if (attention) return user?.role === "admin" ? null : why.staff;
  return operation.error?.retryable ? null : why.final;
}

/** Why it cannot be given up, in words; null when it can; undefined when it has begun for good or has ended. */
export function whyNotCancel(operation: Operation, user: User | null): string | null | undefined {
  const { whyNotCancel: why } = words.operation;
  if (operation.status === "needs_attention") return user?.role === "admin" ? null : why.staff;
  if (operation.status === "queued") return null;
  const begun = operation.type !== "create" && operation.steps.some((step) => step.started_at);
  return operation.status === "running" && !begun ? null : undefined;
}
