import type { DiskCopy, Plan, Server, ServerAction } from "@/api/types";
import type { Action } from "@/features/servers/actions";
import { serverQueries } from "@/features/servers/queries";
import { words } from "@/words";

/** What sets snapshots apart from backups; all else about them is the same. */
export interface Kind {
  text: typeof words.copies.snapshots | typeof words.copies.backups;
  take: Extract<Action, "snapshot" | "backup">;
  restore: Extract<Action, "snapshot_restore" | "backup_restore">;
  remove: Extract<Action, "snapshot_delete" | "backup_delete">;
  query: typeof serverQueries.snapshots;
  quota: (plan: Plan) => number;
  about: (type: "restore" | "remove", id: string) => Extract<ServerAction, { snapshot: string } | { backup: string }>;
}

export const snapshots: Kind = {
  text: words.copies.snapshots,
  take: "snapshot",
  restore: "snapshot_restore",
  remove: "snapshot_delete",
  query: serverQueries.snapshots,
  quota: (plan) => plan.snapshots,
  about: (type, snapshot) => ({ type: type === "restore" ? "snapshot_restore" : "snapshot_delete", snapshot }),
};

export const backups: Kind = {
  text: words.copies.backups,
  take: "backup",
  restore: "backup_restore",
  remove: "backup_delete",
  query: serverQueries.backups,
  quota: (plan) => plan.backups,
  about: (type, backup) => ({ type: type === "restore" ? "backup_restore" : "backup_delete", backup }),
};

/** How many copies the plan keeps; null while that is not known, as with a plan that is no longer offered. */
export function quotaOf(kind: Kind, plans: readonly Plan[] | undefined, server: Server): number | null {
  const plan = plans?.find(({ id }) => id === server.plan.id);
  return plan ? kind.quota(plan) : null;
}

export function nameOf({ name }: DiskCopy): string {
  return name || words.copies.unnamed;
}
