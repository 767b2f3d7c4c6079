import { useInfiniteQuery } from "@tanstack/react-query";
import { describe } from "@/api/errors";
import { paths } from "@/paths";
import { EmptyState } from "@/ui/EmptyState";
import { Failure } from "@/ui/Failure";
import { HistoryEntry } from "@/ui/HistoryEntry";
import { More } from "@/ui/More";
import { Skeleton } from "@/ui/Skeleton";
import { words } from "@/words";
import { serverQueries } from "@/features/servers/queries";
import { useServer } from "@/asking/serverPage";
import { HistoryNav } from "./HistoryNav";

export function HistoryTab() {
  const { id } = useServer();
  return (
    <>
      <HistoryNav server={id} />
      <Events server={id} />
    </>
  );
}

function Events({ server }: { server: string }) {
  const history = useInfiniteQuery(serverQueries.history(server));
  const failure = history.error ? (
    <Failure
      title={words.history.failed}
      {...describe(history.error)}
      knownAt={history.dataUpdatedAt}
      onRetry={() => void history.refetch()}
    />
  ) : null;
  if (!history.data) return failure ?? <Skeleton rows={5} label={words.common.loading} />;

  const entries = history.data.pages.flatMap((page) => page.data);
  if (entries.length === 0) return <EmptyState title={words.history.empty} help={words.history.emptyHelp} />;
  return (
    <>
      {failure}
      <ol aria-label={words.history.title} className="card ruled">
        {entries.map((entry) => (
          <HistoryEntry key={entry.id} entry={entry} operation={(id) => paths.serverOperation(server, id)} />
        ))}
      </ol>
      <More list={history} />
    </>
  );
}
