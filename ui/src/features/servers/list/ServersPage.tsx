import { keepPreviousData, useInfiniteQuery } from "@tanstack/react-query";
import { Plus } from "lucide-react";
import { lazy, useCallback, useMemo, type ReactNode } from "react";
import { describe } from "@/api/errors";
import { useUser } from "@/api/session";
import { useInPieces, useTitle } from "@/lib/hooks";
import { paths } from "@/paths";
import { Button } from "@/ui/Button";
import { EmptyState } from "@/ui/EmptyState";
import { Failure } from "@/ui/Failure";
import { Later } from "@/ui/Later";
import { More } from "@/ui/More";
import { Skeleton } from "@/ui/Skeleton";
import { words } from "@/words";
import { isNarrowed, readFilters, withFilters, type Filters } from "./filters";
import { serverQueries } from "@/features/servers/queries";
import { go, useSearchParams } from "@/lib/location";
import { SavedViews } from "./SavedViews";
import { useSelection } from "./selection";
import { ServersTable } from "./ServersTable";
import { Toolbar } from "./Toolbar";

const BulkBar = lazy(async () => ({ default: (await import("./BulkBar")).BulkBar }));

export function ServersPage() {
  useTitle(words.servers.title);
  const [params, setParams] = useSearchParams();
  const change = useCallback(
    (changes: Record<string, string>) => setParams((now) => withFilters(now, changes), { replace: true }),
    [setParams],
  );
  const user = useUser();
  const filters = readFilters(params, user);
  return (
    <div className="grid gap-5">
      <div className="flex flex-wrap items-center justify-between gap-3">
        <h1 className="text-title font-semibold">{words.servers.title}</h1>
        <CreateButton />
      </div>
      <Toolbar filters={filters} onChange={change} />
      {user?.role === "admin" ? <SavedViews user={user} /> : null}
      <Servers filters={filters} onChange={change} />
    </div>
  );
}

function CreateButton() {
  return (
    <Button kind="primary" icon={<Plus aria-hidden size={17} />} onClick={() => go(paths.newServer())}>
      {words.servers.create}
    </Button>
  );
}

interface ServersProps {
  filters: Filters;
  onChange: (changes: Record<string, string>) => void;
}

function Servers({ filters, onChange }: ServersProps) {
  const list = useInfiniteQuery({ ...serverQueries.list(filters), placeholderData: keepPreviousData });
  const { data, error, hasNextPage, isFetchingNextPage, isFetchNextPageError, fetchNextPage } = list;
  const servers = useMemo(() => data?.pages.flatMap((page) => page.data) ?? [], [data]);
  const selection = useSelection(servers);
  const onEnd = useCallback(() => {
    if (hasNextPage && !isFetchingNextPage && !isFetchNextPageError) void fetchNextPage();
  }, [hasNextPage, isFetchingNextPage, isFetchNextPageError, fetchNextPage]);
  const retry = () => void (isFetchNextPageError ? fetchNextPage() : list.refetch());
  const failure = error ? (
    <Failure title={words.servers.failed} {...describe(error)} knownAt={list.dataUpdatedAt} onRetry={retry} />
  ) : null;
  if (!useInPieces(data !== undefined)) return failure ?? <Skeleton rows={6} label={words.common.loading} />;
  return (
    <>
      {failure}
      {servers.length > 0 ? (
        <ServersTable
          servers={servers}
          outdated={list.isPlaceholderData}
          total={hasNextPage ? undefined : servers.length}
          sort={filters.sort}
          onSort={(sort) => onChange({ sort })}
          staff={filters.scope === "all"}
          selection={selection}
          onEnd={onEnd}
        />
      ) : (
        <NoServers narrowed={isNarrowed(filters)} onClear={() => onChange({ q: "", status: "", account: "" })} />
      )}
      <More list={list} />
      <Later open={selection.servers.length > 0}>
        <BulkBar selection={selection} />
      </Later>
    </>
  );
}

function NoServers({ narrowed, onClear }: { narrowed: boolean; onClear: () => void }): ReactNode {
  if (!narrowed) return <EmptyState title={words.servers.empty} help={words.servers.emptyHelp} />;
  const clear = <Button onClick={onClear}>{words.servers.clear}</Button>;
  return <EmptyState title={words.servers.noMatch} help={words.servers.noMatchHelp} action={clear} />;
}
