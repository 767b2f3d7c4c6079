import { useInfiniteQuery } from "@tanstack/react-query";
import { Link } from "wouter";
import { describe } from "@/api/errors";
import type { ImportRun } from "@/api/types";
import { staffQueries } from "@/features/staff/queries";
import { paths } from "@/paths";
import { EmptyState } from "@/ui/EmptyState";
import { Failure } from "@/ui/Failure";
import { More } from "@/ui/More";
import { Skeleton } from "@/ui/Skeleton";
import { Time } from "@/ui/Time";
import { words } from "@/words";
import { ReportFile } from "./ReportFile";

const { imports } = words.staff;

/** The importer's runs, and a report read from a file: a dry run writes nothing, so only its file tells of it. */
export function ImportsPage() {
  return (
    <div className="grid gap-5">
      <Runs />
      <ReportFile />
    </div>
  );
}

function Runs() {
  const list = useInfiniteQuery(staffQueries.imports());
  const failure = list.error ? (
    <Failure
      title={words.staff.failed}
      {...describe(list.error)}
      knownAt={list.dataUpdatedAt}
      onRetry={() => void list.refetch()}
    />
  ) : null;
  if (!list.data) return failure ?? <Skeleton rows={3} label={words.common.loading} />;
  const runs = list.data.pages.flatMap((page) => page.data);
  if (runs.length === 0) return <EmptyState title={imports.empty} help={imports.emptyHelp} />;
  return (
    <>
      {failure}
      <ul aria-label={imports.title} className="card ruled">
        {runs.map((run) => (
          <Run key={run.id} run={run} />
        ))}
      </ul>
      <More list={list} />
    </>
  );
}

function Run({ run }: { run: ImportRun }) {
  const total = (key: "create" | "update") => Object.values(run.counts).reduce((sum, each) => sum + each[key], 0);
  return (
    <li className="flex flex-wrap items-start justify-between gap-x-6 gap-y-1 px-5 py-4">
      <div className="min-w-0 wrap-anywhere">
        <Link className="link" to={paths.adminImport(run.id)}>
          {imports.runOf(run.source)}
        </Link>
        <p className="text-small text-soft">
          <Time at={run.started_at} /> · {imports.brought(total("create"), total("update"))}
        </p>
      </div>
      <p className="text-soft">{runState(run)}</p>
    </li>
  );
}

/** How far a run is: what it does by itself goes on after the importer has ended. */
export function runState({ finished_at, loaded, linked }: ImportRun): string {
  if (!finished_at) return imports.unfinished;
  return linked < loaded ? imports.linking(linked, loaded) : imports.finished;
}
