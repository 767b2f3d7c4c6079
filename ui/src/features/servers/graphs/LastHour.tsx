import { useQuery } from "@tanstack/react-query";
import type { Measurement } from "@/api/types";
import { serverQueries } from "@/features/servers/queries";
import { words } from "@/words";
import { charts, path, top, type Chart } from "./series";

const graphs = words.graphs;
const strokes = ["stroke-accent", "stroke-warn"];
const small = charts.filter(({ title }) => title !== graphs.disk);

/** What a server used lately, as small lines with the newest values. A gap in a line was not measured. */
export function LastHour({ server }: { server: string }) {
  const { data, error } = useQuery(serverQueries.metrics(server, "hour"));
  if (!data) return error ? <p className="text-soft">{graphs.failed}</p> : null;
  if (data.data.length === 0) return <p className="text-soft">{graphs.empty}</p>;
  return (
    <ul className="grid gap-3">
      {small.map((chart) => (
        <Line key={chart.title} chart={chart} data={data.data} />
      ))}
    </ul>
  );
}

function Line({ chart, data }: { chart: Chart; data: readonly Measurement[] }) {
  const values = chart.lines.map(({ value }) => value);
  const most = top(data, values);
  return (
    <li className="grid h-11 grid-cols-[minmax(0,1fr)_45%] items-center gap-4">
      <div className="min-w-0">
        <p className="text-small text-soft">{chart.title}</p>
        <p className="truncate tabular-nums">
          {chart.lines.map(({ value, label }, n) => (
            <span key={value} className={n > 0 ? "ml-3" : undefined}>
              <Newest chart={chart} label={label} measured={data.map((at) => at[value])} />
            </span>
          ))}
        </p>
      </div>
      <svg viewBox="0 0 1 1" preserveAspectRatio="none" aria-hidden className="h-10 w-full border-b border-line">
        {values.map((value, n) => (
          <path
            key={value}
            d={path(data, value, most)}
            fill="none"
            strokeWidth={1.5}
            vectorEffect="non-scaling-stroke"
            className={strokes[n]}
          />
        ))}
      </svg>
    </li>
  );
}

interface NewestProps {
  chart: Chart;
  label: string;
  measured: readonly (number | null)[];
}

/** The newest value; what the line shows beside it is said to who does not see it. */
function Newest({ chart: { lines, show }, label, measured }: NewestProps) {
  const newest = measured.at(-1) ?? null;
  const known = measured.filter((value) => value !== null);
  return (
    <>
      {lines.length > 1 ? <span className="text-small text-soft">{label} </span> : null}
      {newest === null ? graphs.gap : show(newest)}
      <span className="sr-only">
        {known.length > 0 ? `, ${graphs.atMost(show(Math.max(...known)))}` : null}
        {known.length < measured.length ? `, ${graphs.gaps}` : null}
      </span>
    </>
  );
}
