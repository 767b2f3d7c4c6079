import type { ReactNode } from "react";
import { Unread } from "@/asking/Unread";
import { Skeleton } from "@/ui/Skeleton";
import { words } from "@/words";

interface Asked<T> {
  data: T | undefined;
  error: Error | null;
  isPending: boolean;
  dataUpdatedAt: number;
  refetch: () => unknown;
}

/** What a query answered; what failed is said beside what is known. */
export function Loaded<T>({ query, children }: { query: Asked<T>; children: (data: T) => ReactNode }) {
  return (
    <>
      <Unread title={words.staff.failed} query={query} />
      {query.isPending ? <Skeleton rows={3} label={words.common.loading} /> : null}
      {query.data === undefined ? null : children(query.data)}
    </>
  );
}
