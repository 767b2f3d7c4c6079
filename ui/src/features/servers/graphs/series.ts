import type { Measurement } from "@/api/types";
import { fileSize } from "@/lib/bytes";
import { words } from "@/words";

const graphs = words.graphs;

export type Value = Exclude<keyof Measurement, "t">;

export interface Chart {
  title: string;
  lines: readonly { value: Value; label: string }[];
  show: (n: number) => string;
}

const rate = (n: number) => graphs.perSecond(fileSize(n));

export const charts: readonly Chart[] = [
  { title: graphs.cpu, lines: [{ value: "cpu", label: graphs.used }], show: (n) => graphs.percent(n * 100) },
  { title: graphs.memory, lines: [{ value: "memory", label: graphs.used }], show: fileSize },
  {
    title: graphs.disk,
    lines: [
      { value: "disk_read", label: graphs.read },
      { value: "disk_write", label: graphs.written },
    ],
    show: rate,
  },
  {
    title: graphs.network,
    lines: [
      { value: "net_in", label: graphs.received },
      { value: "net_out", label: graphs.sent },
    ],
    show: rate,
  },
];

/** The greatest value of a chart: its upper edge. Never 0, so that a quiet line lies at the bottom. */
export function top(data: readonly Measurement[], values: readonly Value[]): number {
  const most = Math.max(0, ...data.flatMap((at) => values.map((value) => at[value] ?? 0)));
  return most > 0 ? most * 1.1 : 1;
}

/**
 * An SVG path through the values of 0…1 × 0…1, with y downwards. Where nothing was measured the line is broken:
 * a gap is no zero. A point between two gaps is a short dash, to be seen at all.
 */
export function path(data: readonly Measurement[], value: Value, most: number): string {
  const step = 1 / Math.max(1, data.length - 1);
  let pen = "M";
  return data
    .map((at, n) => {
      const measured = at[value];
      if (measured === null) {
        pen = "M";
        return "";
      }
      const point = `${pen}${(n * step).toFixed(4)} ${(1 - measured / most).toFixed(4)}`;
      const alone = pen === "M" && (data[n + 1]?.[value] ?? null) === null;
      pen = "L";
      return alone ? `${point}h0.002` : point;
    })
    .join("");
}

const values: readonly Value[] = charts.flatMap((chart) => chart.lines.map(({ value }) => value));

/** All that was measured; what was not is empty. */
export function csv(data: readonly Measurement[]): string {
  const rows = data.map((at) => [at.t, ...values.map((value) => at[value] ?? "")].join(","));
  return [["t", ...values].join(","), ...rows].join("\n");
}
