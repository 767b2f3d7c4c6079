import type { components } from "@/api/schema";

type StaffOperation = components["schemas"]["StaffOperation"];

/** What went wrong in the same way several times, as its newest; the newest come first, as they are given. */
export function alike(operations: readonly StaffOperation[]): { operation: StaffOperation; more: number }[] {
  const found = new Map<string, { operation: StaffOperation; more: number }>();
  for (const operation of operations) {
    const { server, type, error } = operation;
    const key = `${server.id} ${type} ${error?.message}`;
    const group = found.get(key);
    if (group) group.more += 1;
    else found.set(key, { operation, more: 0 });
  }
  return [...found.values()];
}
