import type { InfiniteData, UseInfiniteQueryResult } from "@tanstack/react-query";
import type { ReactNode } from "react";
import { Unread } from "@/asking/Unread";
import { EmptyState } from "@/ui/EmptyState";
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
      <Unread title={words.staff.failed} query={list} />
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
