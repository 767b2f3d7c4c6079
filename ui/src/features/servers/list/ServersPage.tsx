import { useInfiniteQuery } from "@tanstack/react-query";
import { Plus } from "lucide-react";
import { useCallback, type ReactNode } from "react";
import { useNavigate, useSearchParams } from "react-router";
import { describe } from "@/api/errors";
import { localTime } from "@/lib/dates";
import { useTitle } from "@/lib/hooks";
import { paths } from "@/paths";
import { Button } from "@/ui/Button";
import { EmptyState } from "@/ui/EmptyState";
import { Failure } from "@/ui/Failure";
import { More } from "@/ui/More";
import { Skeleton } from "@/ui/Skeleton";
import { words } from "@/words";
import { isNarrowed, readFilters, withFilters } from "./filters";
import { serverQueries } from "@/features/servers/queries";
import { ServersTable } from "./ServersTable";
import { Toolbar } from "./Toolbar";

export function ServersPage() {
  useTitle(words.servers.title);
  const [params, setParams] = useSearchParams();
  const change = useCallback(
    (changes: Record<string, string>) => setParams((now) => withFilters(now, changes), { replace: true }),
    [setParams],
  );
  return (
    <div className="grid gap-5">
      <div className="flex flex-wrap items-center justify-between gap-3">
        <h1 className="text-title font-semibold">{words.servers.title}</h1>
        <CreateButton />
      </div>
      <Toolbar filters={readFilters(params)} onChange={change} />
      <Servers params={params} onClear={() => change({ q: "", status: "" })} />
    </div>
  );
}

function CreateButton() {
  const navigate = useNavigate();
  return (
    <Button kind="primary" icon={<Plus aria-hidden size={17} />} onClick={() => navigate(paths.newServer())}>
      {words.servers.create}
    </Button>
  );
}

function Servers({ params, onClear }: { params: URLSearchParams; onClear: () => void }) {
  const filters = readFilters(params);
  const list = useInfiniteQuery(serverQueries.list(filters));
  const failure = list.error ? (
    <Failure title={words.servers.failed} {...describe(list.error)} onRetry={() => void list.refetch()} />
  ) : null;
  if (!list.data) return failure ?? <Skeleton rows={6} label={words.common.loading} />;

  const servers = list.data.pages.flatMap((page) => page.data);
  return (
    <>
      {failure}
      {failure ? (
        <p className="text-small text-soft">
          {words.errors.stale(localTime(new Date(list.dataUpdatedAt).toISOString(), "clock"))}
        </p>
      ) : null}
      {servers.length > 0 ? (
        <ServersTable servers={servers} sort={filters.sort} staff={filters.scope === "all"} />
      ) : (
        <NoServers narrowed={isNarrowed(filters)} onClear={onClear} />
      )}
      <More list={list} />
    </>
  );
}

function NoServers({ narrowed, onClear }: { narrowed: boolean; onClear: () => void }): ReactNode {
  if (!narrowed) return <EmptyState title={words.servers.empty} help={words.servers.emptyHelp} />;
  const clear = <Button onClick={onClear}>{words.servers.clear}</Button>;
  return <EmptyState title={words.servers.noMatch} help={words.servers.noMatchHelp} action={clear} />;
}
