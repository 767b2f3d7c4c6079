import { useQuery } from "@tanstack/react-query";
import { useState } from "react";
import type { Measurement } from "@/api/types";
import { Unread } from "@/asking/Unread";
import { useServer } from "@/asking/serverPage";
import { serverQueries, type Timeframe } from "@/features/servers/queries";
import { useSearchParams } from "@/lib/location";
import { EmptyState } from "@/ui/EmptyState";
import { Select } from "@/ui/Select";
import { Skeleton } from "@/ui/Skeleton";
import { words } from "@/words";
import { Graph } from "./Graph";
import { Measurements } from "./Measurements";
import { charts } from "./series";

const graphs = words.graphs;
const options = Object.entries(graphs.timeframes).map(([value, label]) => ({ value, label }));

/** What the server used, over the time that the URL names. */
export function GraphsTab() {
  const { id } = useServer();
  const [params, setParams] = useSearchParams();
  const asked = params.get("timeframe");
  const timeframe = (asked && asked in graphs.timeframes ? asked : "hour") as Timeframe;
  const metrics = useQuery(serverQueries.metrics(id, timeframe));
  return (
    <>
      <div className="justify-self-start">
        <Select
          label={graphs.timeframe}
          value={timeframe}
          options={options}
          onChange={(value) => setParams({ timeframe: value }, { replace: true })}
        />
      </div>
      <Unread title={graphs.failed} query={metrics} />
      {metrics.isPending ? <Skeleton rows={4} label={words.common.loading} /> : null}
      {metrics.data ? <Charts data={metrics.data.data} /> : null}
    </>
  );
}

/** All of them share the moment that is pointed at. */
function Charts({ data }: { data: readonly Measurement[] }) {
  const [moment, setMoment] = useState<number | null>(null);
  if (data.length === 0) return <EmptyState title={graphs.empty} help={graphs.emptyHelp} />;
  return (
    <>
      <div className="grid gap-5 lg:grid-cols-2">
        {charts.map((chart) => (
          <Graph key={chart.title} chart={chart} data={data} moment={moment} onMoment={setMoment} />
        ))}
      </div>
      <Measurements data={data} />
    </>
  );
}
