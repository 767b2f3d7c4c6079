import { useQuery } from "@tanstack/react-query";
import { useState, type ReactNode } from "react";
import { Link, useParams } from "wouter";
import { describe, hasStatus } from "@/api/errors";
import type { Server } from "@/api/types";
import { useInPieces, useTitle } from "@/lib/hooks";
import { useLocation } from "@/lib/location";
import { paths } from "@/paths";
import { EmptyState } from "@/ui/EmptyState";
import { Failure } from "@/ui/Failure";
import { Skeleton } from "@/ui/Skeleton";
import { Tabs } from "@/ui/Tabs";
import { words } from "@/words";
import { OperationCard } from "@/features/servers/operations/OperationCard";
import { PowerRail } from "@/features/servers/power/PowerRail";
import { serverQueries, useBeginning, useCurrentOperation } from "@/features/servers/queries";
import { StatusBadge } from "@/features/servers/StatusBadge";
import { OfServer } from "@/asking/serverPage";
import { StatusNotice } from "./StatusNotice";

/** The frame of one server: what it is, what can be done, what is being done; the tab is below. */
export function ServerPage({ children }: { children?: ReactNode }) {
  const { id = "" } = useParams();
  const query = useQuery(serverQueries.detail(id));
  useTitle(query.data?.name ?? words.servers.title);
  const drawn = useInPieces(useBeginning(id, query.data));
  if (hasStatus(query.error, 404)) return <Gone />;

  const failure = query.error ? (
    <Failure
      title={words.server.failed}
      {...describe(query.error)}
      knownAt={query.dataUpdatedAt}
      onRetry={() => void query.refetch()}
    />
  ) : null;
  if (!query.data || !drawn) return failure ?? <Skeleton rows={5} label={words.common.loading} />;
  return (
    <div className="grid gap-5">
      {failure}
      <Frame key={query.data.id} server={query.data}>
        {children}
      </Frame>
    </div>
  );
}

function Gone() {
  const back = (
    <Link className="link" to={paths.servers()}>
      {words.shell.goServers}
    </Link>
  );
  return <EmptyState title={words.server.gone} help={words.server.goneHelp} action={back} />;
}

function Frame({ server, children }: { server: Server; children: ReactNode }) {
  const [accepted, setAccepted] = useState<string | null>(null);
  const operation = useCurrentOperation(server);
  return (
    <>
      <header className="flex flex-wrap items-center justify-between gap-x-6 gap-y-4">
        <div className="min-w-0">
          <h1 className="text-title font-semibold wrap-anywhere">{server.name}</h1>
          <p role="status">
            <StatusBadge server={server} />
          </p>
        </div>
        <PowerRail server={server} onAccepted={setAccepted} />
      </header>
      <StatusNotice server={server} />
      <OperationCard server={server} accepted={accepted} />
      <ServerTabs id={server.id} staff={Boolean(server.admin)} />
      <OfServer value={{ server, operation, onAccepted: setAccepted }}>{children}</OfServer>
    </>
  );
}

function ServerTabs({ id, staff }: { id: string; staff: boolean }) {
  const { pathname } = useLocation();
  const history = paths.serverHistory(id);
  const tabs = [
    [paths.server(id), words.server.overview],
    [paths.serverConsole(id), words.server.console],
    [paths.serverGraphs(id), words.server.graphs],
    [paths.serverNetwork(id), words.server.network],
    [paths.serverBackups(id), words.server.backups],
    [history, words.server.history],
    [paths.serverSettings(id), words.server.settings],
    ...(staff ? [[paths.serverStaff(id), words.shell.staff] as const] : []),
  ] as const;
  const alsoActive = pathname.startsWith(paths.serverOperations(id)) ? history : undefined;
  return <Tabs label={words.server.tabs} tabs={tabs} alsoActive={alsoActive} />;
}
