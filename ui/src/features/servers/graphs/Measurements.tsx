import type { Measurement } from "@/api/types";
import { Time } from "@/ui/Time";
import { words } from "@/words";
import { charts, csv } from "./series";

const graphs = words.graphs;
const columns = charts.flatMap((chart) => chart.lines.map((line) => ({ ...line, chart })));

/** The same as a table, for those who cannot see the lines, and for spreadsheets. */
export function Measurements({ data }: { data: readonly Measurement[] }) {
  return (
    <div className="flex flex-wrap items-start justify-between gap-4">
      <details className="min-w-0 flex-1">
        <summary className="cursor-pointer py-2.5">{graphs.table}</summary>
        <div className="overflow-x-auto">
          <table className="w-full text-small tabular-nums">
            <thead>
              <tr>
                {[graphs.time, ...columns.map(({ chart, label }) => `${chart.title}, ${label}`)].map((title) => (
                  <th key={title} scope="col" className="p-2 text-left font-medium">
                    {title}
                  </th>
                ))}
              </tr>
            </thead>
            <tbody>
              {data.map((at) => (
                <tr key={at.t}>
                  <th scope="row" className="p-2 text-left font-normal whitespace-nowrap">
                    <Time at={at.t} />
                  </th>
                  {columns.map(({ value, chart }) => (
                    <td key={value} className="p-2 whitespace-nowrap">
                      {at[value] === null ? graphs.gap : chart.show(at[value])}
                    </td>
                  ))}
                </tr>
              ))}
            </tbody>
          </table>
        </div>
      </details>
      <a
        className="inline-flex min-h-11 items-center link"
        download="measurements.csv"
        href={`data:text/csv;charset=utf-8,${encodeURIComponent(csv(data))}`}
      >
        {graphs.csv}
      </a>
    </div>
  );
}
