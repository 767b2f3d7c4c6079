import { useInfiniteQuery, useQuery } from "@tanstack/react-query";
import type { ReactNode } from "react";
import { Link } from "wouter";
import { describe } from "@/api/errors";
import { Loaded } from "@/features/staff/Loaded";
import { Row } from "@/features/staff/operations/Row";
import { staffQueries } from "@/features/staff/queries";
import { paths } from "@/paths";
import { EmptyState } from "@/ui/EmptyState";
import { Failure } from "@/ui/Failure";
import { Skeleton } from "@/ui/Skeleton";
import { words } from "@/words";
import { alike } from "./alike";
import { Matters } from "./Matters";
import { mattersOf } from "./matters";
import { Lately, Room } from "./Pace";

const staff = words.staff;
const { overview } = staff;
const SHOWN = 5;
/** As many are read to find what repeats itself. */
const READ = 30;

/** First what somebody has to do something about; below it how everything goes. */
export function OverviewPage() {
  const stuck = useStuck();
  const known = {
    clusters: useQuery(staffQueries.clusters()),
    drift: useInfiniteQuery(staffQueries.drift(false)),
    destroys: useQuery(staffQueries.destroys()),
    holds: useQuery(staffQueries.holds()),
    health: useQuery(staffQueries.health()),
    imports: useInfiniteQuery(staffQueries.imports()),
  };
  const pace = useQuery(staffQueries.pace());
  const all = [stuck, ...Object.values(known), pace];
  const failed = all.find(({ error }) => error);
  // All at once, or each would push away those below it; what does not answer at first is not waited for.
  const coming = all.some(({ isPending, failureCount }) => isPending && failureCount === 0);
  const matters = mattersOf({
    clusters: known.clusters.data?.data,
    drift: known.drift.data?.pages,
    destroys: known.destroys.data,
    holds: known.holds.data,
    health: known.health.data,
    imports: known.imports.data?.pages[0]?.data,
    pace: pace.data,
  });
  const calm = all.every(({ isSuccess }) => isSuccess) && matters.length === 0 && stuck.data?.length === 0;
  const retry = () => all.forEach((query) => void (query.error ? query.refetch() : undefined));
  if (coming) return <Skeleton rows={6} label={words.common.loading} />;
  return (
    <>
      {failed?.error ? (
        <Failure title={staff.failed} {...describe(failed.error)} knownAt={failed.dataUpdatedAt} onRetry={retry} />
      ) : null}
      {calm ? <EmptyState title={staff.calm} help={staff.calmHelp} /> : null}
      {matters.length > 0 ? <Matters matters={matters} /> : null}
      {stuck.data && stuck.data.length > 0 ? <Stuck operations={stuck.data} /> : null}
      {pace.data ? (
        <div className="grid items-start gap-5 xl:grid-cols-2">
          <Lately hours={pace.data.hours} />
          <Room locations={pace.data.locations} />
        </div>
      ) : null}
      <FailedLately />
    </>
  );
}

function useStuck() {
  const list = useInfiniteQuery(staffQueries.allOperations({ status: "needs_attention" }));
  return { ...list, data: list.data?.pages[0]?.data };
}

type Operations = NonNullable<ReturnType<typeof useStuck>["data"]>;

function Stuck({ operations }: { operations: Operations }) {
  return (
    <Part title={staff.operations} to={paths.adminOperations("needs_attention")} more={operations.length > SHOWN}>
      <OperationList
        label={staff.operations}
        found={operations.slice(0, SHOWN).map((operation) => ({ operation, more: 0 }))}
      />
    </Part>
  );
}

function FailedLately() {
  const failed = useInfiniteQuery(staffQueries.allOperations({ status: "failed" }, READ));
  return (
    <Part
      title={staff.failedOperations}
      to={paths.adminOperations("failed")}
      more={(failed.data?.pages[0]?.data.length ?? 0) > SHOWN}
    >
      <Loaded query={failed}>
        {({ pages }) =>
          pages[0]!.data.length === 0 ? (
            <p className="card px-5 py-4 text-soft">{staff.noneFailed}</p>
          ) : (
            <OperationList label={staff.failedOperations} found={alike(pages[0]!.data).slice(0, SHOWN)} />
          )
        }
      </Loaded>
    </Part>
  );
}

/** A titled list, and where all of it stands. */
function Part({ title, to, more, children }: { title: string; to: string; more: boolean; children: ReactNode }) {
  return (
    <section className="grid grid-cols-1 gap-3">
      <div className="flex flex-wrap items-baseline justify-between gap-x-4">
        <h2 className="text-large font-semibold">{title}</h2>
        {more ? (
          <Link className="link" to={to}>
            {overview.all}
          </Link>
        ) : null}
      </div>
      {children}
    </section>
  );
}

function OperationList({ label, found }: { label: string; found: ReturnType<typeof alike> }) {
  return (
    <ul aria-label={label} className="card ruled">
      {found.map(({ operation, more }) => (
        <Row key={operation.id} operation={operation} alike={more} />
      ))}
    </ul>
  );
}
