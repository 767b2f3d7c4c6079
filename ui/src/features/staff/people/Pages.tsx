import type { InfiniteData, UseInfiniteQueryResult } from "@tanstack/react-query";
import type { ReactNode } from "react";
import { describe } from "@/api/errors";
import { EmptyState } from "@/ui/EmptyState";
import { Failure } from "@/ui/Failure";
import { More } from "@/ui/More";
import { Skeleton } from "@/ui/Skeleton";
import { words } from "@/words";

interface Props<T> {
  label: string;
  list: UseInfiniteQueryResult<InfiniteData<{ data: T[] }>>;
  /** What it says when there is nobody, or nobody of that name. */
  searched: boolean;
  /** Its rows. */
  children: (found: T[]) => ReactNode;
}

/** A list read page by page; what failed is said beside what is known. */
export function Pages<T>({ label, list, searched, children }: Props<T>) {
  const { people } = words.staff;
  const found = list.data?.pages.flatMap((page) => page.data);
  return (
    <>
      {list.error ? (
        <Failure
          title={words.staff.failed}
          {...describe(list.error)}
          knownAt={list.dataUpdatedAt}
          onRetry={() => void list.refetch()}
        />
      ) : null}
      {list.isPending ? <Skeleton rows={5} label={words.common.loading} /> : null}
      {found?.length === 0 ? (
        <EmptyState
          title={searched ? people.noMatch : people.nobody}
          help={searched ? people.noMatchHelp : people.nobodyHelp}
        />
      ) : null}
      {found && found.length > 0 ? (
        <ul aria-label={label} className="card ruled">
          {children(found)}
        </ul>
      ) : null}
      <More list={list} />
    </>
  );
}
