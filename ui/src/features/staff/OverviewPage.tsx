import { useInfiniteQuery, useQuery } from "@tanstack/react-query";
import { Link } from "react-router";
import type { Cluster } from "@/api/types";
import { localTime } from "@/lib/dates";
import { paths } from "@/paths";
import { EmptyState } from "@/ui/EmptyState";
import { Notice } from "@/ui/Notice";
import { Section } from "@/ui/Section";
import { words } from "@/words";
import { ConfirmedAct } from "@/asking/ConfirmedAct";
import { Loaded } from "./Loaded";
import { FailingWebhooks } from "./FailingWebhooks";
import { OperationRow } from "./OperationRow";
import { staffActs, staffQueries } from "./queries";

const staff = words.staff;
const LATELY = 10;

/** First what somebody has to do something about; below it what went wrong by itself. */
export function OverviewPage() {
  const stuck = useQuery(staffQueries.operations("needs_attention"));
  const clusters = useQuery(staffQueries.clusters());
  const drift = useInfiniteQuery(staffQueries.drift(false));
  const destroys = useQuery(staffQueries.destroys());
  const holds = useQuery(staffQueries.holds());
  const health = useQuery(staffQueries.health());
  const all = [stuck, clusters, drift, destroys, holds, health];
  const away = clusters.data?.data.filter((cluster) => !cluster.reachable) ?? [];
  const calm =
    all.every((query) => query.isSuccess) &&
    stuck.data?.data.length === 0 &&
    away.length === 0 &&
    drift.data?.pages[0]?.data.length === 0 &&
    !destroys.data?.waiting_since &&
    !holds.data?.waiting_since &&
    health.data?.webhooks.length === 0;
  return (
    <div className="grid gap-5">
      {calm ? <EmptyState title={staff.calm} help={staff.calmHelp} /> : null}
      <Loaded query={clusters}>{() => away.map((cluster) => <Away key={cluster.name} cluster={cluster} />)}</Loaded>
      <Loaded query={destroys}>
        {({ waiting_since, recent, limit }) =>
          waiting_since ? (
            <Notice
              tone="warn"
              title={staff.destroysTitle}
              action={<Allow title={staff.allowTitle} notes={staff.allowNotes} run={staffActs.allowDestroys} />}
            >
              {staff.destroysHelp(recent, limit)}
            </Notice>
          ) : null
        }
      </Loaded>
      <Loaded query={holds}>
        {({ waiting_since, waiting, limit }) =>
          waiting_since ? (
            <Notice
              tone="warn"
              title={staff.billingTitle}
              action={
                <Allow title={staff.billingAllowTitle} notes={staff.billingAllowNotes} run={staffActs.allowBilling} />
              }
            >
              {staff.billingHelp(waiting, limit)}
            </Notice>
          ) : null
        }
      </Loaded>
      <Loaded query={drift}>
        {({ pages }) =>
          pages[0]!.data.length > 0 ? (
            <Notice tone="warn" title={staff.driftCount(pages.flatMap(({ data }) => data).length, drift.hasNextPage)}>
              <Link className="text-accent underline underline-offset-2" to={paths.adminDrift()}>
                {staff.driftOpen}
              </Link>
            </Notice>
          ) : null
        }
      </Loaded>
      <Loaded query={health}>{({ webhooks }) => <FailingWebhooks webhooks={webhooks} />}</Loaded>
      <Loaded query={stuck}>
        {({ data }) =>
          data.length > 0 ? (
            <Section title={staff.operations}>
              <ul aria-label={staff.operations} className="divide-y divide-line">
                {data.map((operation) => (
                  <OperationRow key={operation.id} operation={operation} endable />
                ))}
              </ul>
            </Section>
          ) : null
        }
      </Loaded>
      <FailedLately />
    </div>
  );
}

function Away({ cluster: { name, observed_at } }: { cluster: Cluster }) {
  const title = observed_at ? staff.clusterAway(name, localTime(observed_at, "clock")) : staff.clusterUnseen(name);
  return <Notice tone={observed_at ? "bad" : "info"} title={title} />;
}

interface Allowing {
  title: string;
  notes: readonly string[];
  run: () => Promise<unknown>;
}

/** What waits because there is much of it at once may go on. */
function Allow(question: Allowing) {
  return <ConfirmedAct label={staff.allow} acting={staff.allowing} danger {...question} />;
}

function FailedLately() {
  const failed = useQuery(staffQueries.operations("failed", LATELY));
  return (
    <Section title={staff.failedOperations}>
      <Loaded query={failed}>
        {({ data }) =>
          data.length === 0 ? (
            <p className="text-soft">{staff.noneFailed}</p>
          ) : (
            <ul aria-label={staff.failedOperations} className="divide-y divide-line">
              {data.map((operation) => (
                <OperationRow key={operation.id} operation={operation} />
              ))}
            </ul>
          )
        }
      </Loaded>
    </Section>
  );
}
