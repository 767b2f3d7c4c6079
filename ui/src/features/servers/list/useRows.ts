import { useDeferredValue, useEffect, useLayoutEffect, useMemo, useRef, useState, useSyncExternalStore } from "react";
import type { RefObject } from "react";
import { useMedia } from "@/lib/hooks";
import { edgesOf, rowAt } from "./edges";
import { Heights } from "./heights";

const ROW_PX = 73;
const CARD_PX = 190;
const CARD_GAP_PX = 12;
/** So much more than what is in sight stands on the page above and below it, and so far may be scrolled with it. */
const BEYOND_PX = 480;
const STEP_PX = 240;
const NOWHERE = -1_000_000;
/** Room for the header above and the bar of chosen servers below, when a row is moved to. */
const HEADER_PX = 72;
const BAR_PX = 96;
export const WIDE = "(min-width: 80rem)";

/** Which of `count` rows stand on the page: those in sight, a few beyond, and the one that has the focus. */
export function useRows(count: number, keyOf: (index: number) => string) {
  const wide = useMedia(WIDE);
  const body = useRef<HTMLTableSectionElement>(null);
  const top = useTop(body);
  const [active, setActive] = useState(-1);
  const [heights] = useState(() => new Heights());
  const known = useSyncExternalStore(heights.follow, heights.read);
  const [guess, gap] = wide ? [ROW_PX, 0] : [CARD_PX, CARD_GAP_PX];
  useLayoutEffect(() => heights.begin(guess), [heights, guess]);
  useLayoutEffect(() => heights.settle());
  const edges = useMemo(
    () => edgesOf(count, (index) => known.rows.get(keyOf(index)) ?? (known.guess || guess), gap),
    [count, keyOf, known, guess, gap],
  );
  const from = useScrolled() - top;
  // What only waits to be scrolled to is drawn after what is looked at, in a frame of its own; also at first.
  const around = useDeferredValue(useFrameLater(from), NOWHERE);
  const [first, last] = inSight(edges, from, 0);
  const [above, below] = inSight(edges, around, BEYOND_PX);
  const near = above <= last && below >= first;
  const shown = rowsOf(near ? Math.min(first, above) : first, near ? Math.max(last, below) : last, active, count);

  const move = (index: number) => {
    if (index < 0 || index >= count) return;
    bringIntoSight(top + edges[index]!, top + edges[index + 1]!);
    setActive(index);
  };
  useEffect(() => {
    body.current?.querySelector<HTMLElement>(`[data-index="${active}"] a`)?.focus({ preventScroll: true });
  }, [active]);
  const rows = shown.map((index) => ({ index, start: edges[index]! }));
  return { wide, body, rows, height: edges.at(-1)!, active, setActive, move, measure: heights.watch };
}

/** A value as it was when the window was painted last. */
function useFrameLater(value: number): number {
  const [painted, setPainted] = useState(value);
  useEffect(() => {
    if (value !== painted) requestAnimationFrame(() => setTimeout(() => setPainted(value)));
  }, [value, painted]);
  return painted;
}

/** How far the page is scrolled, in whole steps: what is between them draws nothing anew. */
function useScrolled(): number {
  const [scrolled, setScrolled] = useState(stepsScrolled);
  useEffect(() => {
    const read = () => setScrolled(stepsScrolled());
    window.addEventListener("scroll", read, { passive: true });
    window.addEventListener("resize", read);
    return () => {
      window.removeEventListener("scroll", read);
      window.removeEventListener("resize", read);
    };
  }, []);
  return scrolled;
}

const stepsScrolled = () => Math.floor(window.scrollY / STEP_PX) * STEP_PX;

/** The first and the last row that is in sight when scrolled to `from`, or less than `beyond` away from it. */
function inSight(edges: Float64Array, from: number, beyond: number): [number, number] {
  return [rowAt(edges, from - beyond), rowAt(edges, from + STEP_PX + window.innerHeight + beyond)];
}

/** How far down the page (px) an element begins, kept true while what stands above it comes and goes. */
function useTop(element: RefObject<HTMLElement | null>): number {
  const [top, setTop] = useState(0);
  useLayoutEffect(() => {
    const read = () => setTop(Math.round((element.current?.getBoundingClientRect().top ?? 0) + window.scrollY));
    read();
    if (!("ResizeObserver" in window)) return;
    const observer = new ResizeObserver(read);
    observer.observe(document.body);
    return () => observer.disconnect();
  }, [element]);
  return top;
}

/** Scrolls no further than it takes to see what reaches from `start` to `end` (px down the page). */
function bringIntoSight(start: number, end: number): void {
  const above = start - HEADER_PX;
  const below = end + BAR_PX - window.innerHeight;
  if (above < window.scrollY) window.scrollTo(window.scrollX, above);
  else if (below > window.scrollY) window.scrollTo(window.scrollX, below);
}

function rowsOf(first: number, last: number, active: number, count: number): number[] {
  const shown = Array.from({ length: Math.min(last, count - 1) - first + 1 }, (_, n) => first + n);
  if (active < 0 || active >= count || shown.includes(active)) return shown;
  return [...shown, active].toSorted((a, b) => a - b);
}
