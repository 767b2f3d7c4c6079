import { useInfiniteQuery, useQuery } from "@tanstack/react-query";
import { Link, useParams } from "wouter";
import { describe } from "@/api/errors";
import type { Operation } from "@/api/types";
import { HistoryNav } from "@/features/servers/page/HistoryNav";
import { useServer } from "@/asking/serverPage";
import { serverQueries } from "@/features/servers/queries";
import { secondsTaken } from "@/lib/dates";
import { paths } from "@/paths";
import { EmptyState } from "@/ui/EmptyState";
import { Failure } from "@/ui/Failure";
import { More } from "@/ui/More";
import { Skeleton } from "@/ui/Skeleton";
import { Time } from "@/ui/Time";
import { words } from "@/words";
import { LoadedOperation } from "./LoadedOperation";

/** Every operation of a server, newest first; the one the URL names in full above them. */
export function OperationsTab() {
  const server = useServer();
  const { operation } = useParams();
  return (
    <>
      <HistoryNav server={server.id} />
      {operation ? <LoadedOperation key={operation} id={operation} server={server} /> : null}
      <OperationsList server={server.id} />
    </>
  );
}

function OperationsList({ server }: { server: string }) {
  const list = useInfiniteQuery(serverQueries.operations(server));
  const failure = list.error ? (
    <Failure
      title={words.operation.listFailed}
      {...describe(list.error)}
      knownAt={list.dataUpdatedAt}
      onRetry={() => void list.refetch()}
    />
  ) : null;
  if (!list.data) return failure ?? <Skeleton rows={4} label={words.common.loading} />;

  const operations = list.data.pages.flatMap((page) => page.data);
  if (operations.length === 0) return <EmptyState title={words.operation.empty} help={words.operation.emptyHelp} />;
  return (
    <>
      {failure}
      <ol aria-label={words.operation.list} className="card ruled">
        {operations.map((operation) => (
          <Row key={operation.id} operation={operation} />
        ))}
      </ol>
      <More list={list} />
    </>
  );
}

function Row({ operation: listed }: { operation: Operation }) {
  // What is pushed is newer than the list.
  const pushed = useQuery({ ...serverQueries.operation(listed.id), enabled: false }).data;
  const operation = pushed ?? listed;
  const { id, type, status, created_at, started_at, finished_at, error, resource } = operation;
  return (
    <li className="grid gap-x-6 gap-y-1 px-5 py-4 sm:grid-cols-[11rem_1fr_auto]">
      <p className="text-small text-soft sm:pt-0.5">
        <Time at={created_at} />
      </p>
      <div className="min-w-0 wrap-anywhere">
        <Link className="link" to={paths.serverOperation(resource.id, id)}>
          {words.operationType(type)}
        </Link>
        {error ? <p className="text-small text-soft">{error.message}</p> : null}
      </div>
      <p className="text-small text-soft">
        {words.operationStatus[status]}
        {started_at && finished_at
          ? `, ${words.operation.took(words.common.seconds(secondsTaken(started_at, finished_at)))}`
          : null}
      </p>
    </li>
  );
}
