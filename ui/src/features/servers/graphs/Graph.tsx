import type { KeyboardEvent, PointerEvent } from "react";
import type { Measurement } from "@/api/types";
import { localTime } from "@/lib/dates";
import { Section } from "@/ui/Section";
import { Time } from "@/ui/Time";
import { words } from "@/words";
import { path, top, type Chart } from "./series";

const graphs = words.graphs;
const strokes = ["stroke-accent", "stroke-warn"];
const dots = ["bg-accent", "bg-warn"];
const TWO_DAYS_MS = 172_800_000;

interface Props {
  chart: Chart;
  data: readonly Measurement[];
  /** The measurement that is pointed at, in this chart or another. */
  moment: number | null;
  onMoment: (moment: number | null) => void;
}

/** Lines over time. Pointer and arrow keys move along them; the values there stand in words below. */
export function Graph({ chart, data, moment, onMoment }: Props) {
  const last = data.length - 1;
  const most = top(
    data,
    chart.lines.map(({ value }) => value),
  );
  const point = ({ clientX, currentTarget }: PointerEvent) => {
    const { left, width } = currentTarget.getBoundingClientRect();
    onMoment(width > 0 ? Math.min(last, Math.max(0, Math.round(((clientX - left) / width) * last))) : null);
  };
  const press = (event: KeyboardEvent) => {
    const by = { ArrowLeft: -1, ArrowRight: 1 }[event.key];
    if (!by) return;
    event.preventDefault();
    onMoment(Math.min(last, Math.max(0, (moment ?? last) + by)));
  };
  return (
    <Section title={chart.title}>
      <div
        role="slider"
        tabIndex={0}
        aria-label={graphs.range(chart.title, localTime(data[0]!.t), localTime(data[last]!.t))}
        aria-valuemin={0}
        aria-valuemax={last}
        aria-valuenow={moment ?? last}
        aria-valuetext={spoken(chart, data[moment ?? last]!)}
        className="touch-pan-y"
        onPointerMove={point}
        onPointerLeave={() => onMoment(null)}
        onKeyDown={press}
        onBlur={() => onMoment(null)}
      >
        <p aria-hidden className="text-small text-soft tabular-nums">
          {chart.show(most)}
        </p>
        <svg
          viewBox="0 0 1 1"
          preserveAspectRatio="none"
          aria-hidden
          className="h-32 w-full border-y border-line [border-top-style:dashed]"
        >
          {chart.lines.map(({ value }, n) => (
            <path
              key={value}
              d={path(data, value, most)}
              fill="none"
              strokeWidth={1.5}
              vectorEffect="non-scaling-stroke"
              className={strokes[n]}
            />
          ))}
          {moment === null ? null : (
            <path
              d={`M${moment / Math.max(1, last)} 0V1`}
              strokeWidth={1}
              vectorEffect="non-scaling-stroke"
              className="stroke-edge"
            />
          )}
        </svg>
        <Span from={data[0]!.t} to={data[last]!.t} />
      </div>
      <Legend chart={chart} at={data[moment ?? last]!} />
    </Section>
  );
}

/** Where the line begins and ends. */
function Span({ from, to }: { from: string; to: string }) {
  const style = Date.parse(to) - Date.parse(from) < TWO_DAYS_MS ? "full" : "day";
  return (
    <p aria-hidden className="mt-1 flex justify-between gap-4 text-small text-soft tabular-nums">
      <Time at={from} as={style} />
      <Time at={to} as={style} />
    </p>
  );
}

function shown(chart: Chart, value: number | null): string {
  return value === null ? graphs.gap : chart.show(value);
}

function spoken(chart: Chart, at: Measurement): string {
  const lines = chart.lines.map(({ value, label }) => `${label} ${shown(chart, at[value])}`);
  return [localTime(at.t), ...lines].join(", ");
}

function Legend({ chart, at }: { chart: Chart; at: Measurement }) {
  return (
    <p className="flex flex-wrap items-center gap-x-5 gap-y-1 text-small text-soft tabular-nums">
      <Time at={at.t} />
      {chart.lines.map(({ value, label }, n) => (
        <span key={value} className="inline-flex items-center gap-1.5">
          <span aria-hidden className={`size-2.5 rounded-full ${dots[n]}`} />
          {label} <span className="text-ink">{shown(chart, at[value])}</span>
        </span>
      ))}
    </p>
  );
}
