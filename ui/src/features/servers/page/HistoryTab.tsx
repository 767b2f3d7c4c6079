import { useInfiniteQuery } from "@tanstack/react-query";
import { Link } from "react-router";
import { describe } from "@/api/errors";
import type { HistoryEntry } from "@/api/types";
import { paths } from "@/paths";
import { EmptyState } from "@/ui/EmptyState";
import { Failure } from "@/ui/Failure";
import { More } from "@/ui/More";
import { Skeleton } from "@/ui/Skeleton";
import { StaffDetails } from "@/ui/StaffDetails";
import { Time } from "@/ui/Time";
import { words } from "@/words";
import { serverQueries } from "@/features/servers/queries";
import { useServer } from "./context";
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
    <Failure title={words.history.failed} {...describe(history.error)} onRetry={() => void history.refetch()} />
  ) : null;
  if (!history.data) return failure ?? <Skeleton rows={5} label={words.common.loading} />;

  const entries = history.data.pages.flatMap((page) => page.data);
  if (entries.length === 0) return <EmptyState title={words.history.empty} help={words.history.emptyHelp} />;
  return (
    <>
      {failure}
      <ol aria-label={words.history.title} className="card divide-y divide-line">
        {entries.map((entry) => (
          <Entry key={entry.id} entry={entry} server={server} />
        ))}
      </ol>
      <More list={history} />
    </>
  );
}

function Entry({ entry, server }: { entry: HistoryEntry; server: string }) {
  return (
    <li className="grid gap-x-6 gap-y-1 px-5 py-4 sm:grid-cols-[11rem_1fr]">
      <p className="text-small text-soft sm:pt-0.5">
        <Time at={entry.at} />
      </p>
      <div className="min-w-0 wrap-anywhere">
        <p>
          <span className="font-medium">{entry.title}</span>{" "}
          <span className="text-soft">{words.history.by(entry.actor.label)}</span>
        </p>
        {entry.detail ? <p className="text-soft">{entry.detail}</p> : null}
        <p className="flex flex-wrap gap-x-4 text-small text-soft">
          {entry.operation_id ? (
            <Link
              className="text-accent underline underline-offset-2"
              to={paths.serverOperation(server, entry.operation_id)}
            >
              {words.history.operation}
            </Link>
          ) : null}
          {entry.request_id ? (
            <span>
              {words.common.requestId}: <span className="font-mono">{entry.request_id}</span>
            </span>
          ) : null}
        </p>
        {entry.admin && Object.keys(entry.admin).length > 0 ? (
          <StaffDetails text={JSON.stringify(entry.admin, null, 2)} />
        ) : null}
      </div>
    </li>
  );
}
