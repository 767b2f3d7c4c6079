import { defaultRangeExtractor, useWindowVirtualizer, type Range } from "@tanstack/react-virtual";
import { useCallback, useEffect, useLayoutEffect, useRef, useState, type RefObject } from "react";
import { useMedia } from "@/lib/hooks";

const ROW_PX = 69;
const CARD_PX = 190;
const CARD_GAP_PX = 12;
const BEYOND = 8;
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
  const rangeExtractor = useCallback((range: Range) => withActive(range, active), [active]);
  // Its methods change their answers, not their identity: nothing here is memoized by them.
  // oxlint-disable-next-line react/incompatible-library
  const rows = useWindowVirtualizer({
    count,
    estimateSize: () => (wide ? ROW_PX : CARD_PX),
    gap: wide ? 0 : CARD_GAP_PX,
    overscan: BEYOND,
    scrollMargin: top,
    scrollPaddingStart: HEADER_PX,
    scrollPaddingEnd: BAR_PX,
    getItemKey: keyOf,
    rangeExtractor,
    useFlushSync: false,
  });
  useEffect(() => rows.measure(), [rows, wide]);

  const move = (index: number) => {
    if (index < 0 || index >= count) return;
    rows.scrollToIndex(index);
    setActive(index);
  };
  useEffect(() => {
    body.current?.querySelector<HTMLElement>(`[data-index="${active}"] a`)?.focus({ preventScroll: true });
  }, [active]);
  return { body, rows, top, active, setActive, move };
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

function withActive(range: Range, active: number): number[] {
  const shown = defaultRangeExtractor(range);
  if (active < 0 || active >= range.count || shown.includes(active)) return shown;
  return [...shown, active].toSorted((a, b) => a - b);
}
