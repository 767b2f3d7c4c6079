import { useQuery } from "@tanstack/react-query";
import { useState, type ReactNode } from "react";
import type { Cluster } from "@/api/types";
import { EmptyState } from "@/ui/EmptyState";
import { Facts } from "@/ui/Facts";
import { Field } from "@/ui/Field";
import { Section } from "@/ui/Section";
import { Timed } from "@/ui/Timed";
import { words } from "@/words";
import { ConfirmedAct } from "@/asking/ConfirmedAct";
import { Loaded } from "./Loaded";
import { staffActs, staffQueries, type Mode } from "./queries";

const staff = words.staff;

/** Each cluster: whether it answers, what is under maintenance, and whether anything is done there at all. */
export function ClustersPage() {
  const clusters = useQuery(staffQueries.clusters());
  return (
    <Loaded query={clusters}>
      {({ data }) =>
        data.length === 0 ? (
          <EmptyState title={staff.noClusters} help={staff.noClustersHelp} />
        ) : (
          <div className="grid gap-5 lg:grid-cols-2">
            {data.map((cluster) => (
              <Card key={cluster.name} cluster={cluster} />
            ))}
          </div>
        )
      }
    </Loaded>
  );
}

function reach({ reachable, observed_at }: Cluster): ReactNode {
  if (reachable === null) return staff.unseen;
  const state = reachable ? staff.reachable : staff.unreachable;
  if (!observed_at) return state;
  return <Timed say={(time) => `${state}, ${staff.asOf(time)}`} at={observed_at} as="clock" />;
}

function Card({ cluster }: { cluster: Cluster }) {
  const { name, maintenance, mode } = cluster;
  const [switched, setSwitched] = useState<number | null>(null);
  const other: Mode = mode === "observe" ? "manage" : "observe";
  return (
    <Section title={name}>
      <Facts
        facts={[
          [staff.state, reach(cluster)],
          [staff.mode, staff.modes[mode]],
          [staff.maintenance, <Maintenances key="maintenance" cluster={cluster} />],
        ]}
      />
      <div className="flex flex-wrap gap-2">
        {maintenance.some(({ node }) => node === null) ? null : <Begin cluster={name} />}
        <ConfirmedAct
          label={staff[other]}
          acting={staff.switching}
          about={name}
          title={staff.clusterModeTitle(name, other)}
          notes={staff.clusterModeNotes[other]}
          danger
          run={() => staffActs.switchCluster(name, other)}
        />
        {(["manage", "observe"] as const).map((wanted) => (
          <ConfirmedAct
            key={wanted}
            label={staff.serversMode[wanted]}
            acting={staff.switching}
            about={name}
            title={staff.serversModeTitle(name, wanted)}
            notes={staff.serversModeNotes[wanted]}
            danger
            run={async () => setSwitched(await staffActs.switchServers(name, wanted))}
          />
        ))}
      </div>
      <p role="status" className="text-small text-soft empty:hidden">
        {switched === null ? null : staff.modesChanged(switched)}
      </p>
    </Section>
  );
}

function Maintenances({ cluster: { name, maintenance } }: { cluster: Cluster }) {
  if (maintenance.length === 0) return staff.noMaintenance;
  return (
    <ul className="grid gap-2">
      {maintenance.map(({ node, reason }) => (
        <li key={node ?? ""} className="flex flex-wrap items-center justify-between gap-2">
          {staff.reasonOf(node ?? staff.wholeCluster, reason)}
          <ConfirmedAct
            label={staff.end}
            acting={staff.ending}
            about={node ?? name}
            title={staff.endTitle(node ?? name)}
            notes={staff.endNotes}
            run={() => staffActs.maintain(name, false, node, "")}
          />
        </li>
      ))}
    </ul>
  );
}

function Begin({ cluster }: { cluster: string }) {
  const [node, setNode] = useState("");
  const [reason, setReason] = useState("");
  return (
    <ConfirmedAct
      label={staff.begin}
      acting={staff.beginning}
      about={cluster}
      title={staff.beginTitle(cluster)}
      notes={staff.beginNotes}
      run={() => staffActs.maintain(cluster, true, node.trim() || null, reason.trim())}
    >
      <Field label={staff.node} help={staff.nodeHelp} autoComplete="off" value={node} onValueChange={setNode} />
      <Field label={staff.reason} maxLength={255} autoComplete="off" value={reason} onValueChange={setReason} />
    </ConfirmedAct>
  );
}
