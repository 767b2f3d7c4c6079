import { useInfiniteQuery } from "@tanstack/react-query";
import { Link } from "wouter";
import { describe } from "@/api/errors";
import type { Decision } from "@/api/types";
import { staffQueries } from "@/features/staff/queries";
import { paths } from "@/paths";
import { Failure } from "@/ui/Failure";
import { More } from "@/ui/More";
import { Section } from "@/ui/Section";
import { Skeleton } from "@/ui/Skeleton";
import { Time } from "@/ui/Time";
import { words } from "@/words";

const { decisions } = words.staff;

/** What staff decided for more than one server, newest first: what, why, who and when. */
export function Decisions() {
  const list = useInfiniteQuery(staffQueries.decisions());
  return (
    <Section title={decisions.title}>
      {list.error ? (
        <Failure title={words.staff.failed} {...describe(list.error)} onRetry={() => void list.refetch()} />
      ) : null}
      {list.isPending ? <Skeleton rows={3} label={words.common.loading} /> : null}
      {list.data ? <Listed all={list.data.pages.flatMap((page) => page.data)} /> : null}
      <More list={list} />
    </Section>
  );
}

function Listed({ all }: { all: Decision[] }) {
  if (all.length === 0) return <p className="text-soft">{decisions.empty}</p>;
  return (
    <ul aria-label={decisions.title} className="grid gap-3">
      {all.map((decision) => (
        <li key={decision.id} className="wrap-anywhere">
          <p className="font-medium">{said(decision)}</p>
          {decision.reason ? <p>{decision.reason}</p> : null}
          <p className="text-soft">
            {decisions.by(decision.by.name)} <Time at={decision.at} />
            {decision.about.server ? (
              <>
                {" · "}
                <Link className="link" to={paths.server(decision.about.server)}>
                  {decisions.server}
                </Link>
              </>
            ) : null}
          </p>
        </li>
      ))}
    </ul>
  );
}

function said({ kind, about }: Decision): string {
  return decisions.kinds[kind](about, words.staff.driftKind(about.drift ?? ""));
}
