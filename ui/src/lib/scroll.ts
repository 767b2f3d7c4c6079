import { useLayoutEffect } from "react";
import { historyKey, useLocation } from "./location";

const KEPT = "hostler.scroll";
/** How long a page that somebody comes back to may take until it is as long as it was. */
const GROWING_MS = 1_000;

type Places = Record<string, number>;

/** How far down each entry of the history was; a reload keeps it. */
let places: Places = {};
/** The entry that is drawn; null before there is one. */
let shown: string | null = null;
let restoring = 0;

function kept(): Places {
  try {
    return JSON.parse(sessionStorage.getItem(KEPT) ?? "{}") as Places;
  } catch {
    return {};
  }
}

function begin(): () => void {
  places = kept();
  const note = () => {
    if (shown !== null && restoring === 0) places[shown] = window.scrollY;
  };
  const keep = () => sessionStorage.setItem(KEPT, JSON.stringify(places));
  history.scrollRestoration = "manual";
  window.addEventListener("scroll", note, { passive: true });
  window.addEventListener("pagehide", keep);
  return () => {
    window.removeEventListener("scroll", note);
    window.removeEventListener("pagehide", keep);
    history.scrollRestoration = "auto";
    shown = null;
  };
}

/** As soon as the page is long enough; what it lists may come after it. */
function restore(top: number, until: number): void {
  cancelAnimationFrame(restoring);
  restoring = 0;
  const { scrollHeight, clientHeight } = document.documentElement;
  if (scrollHeight - clientHeight < top && performance.now() < until)
    restoring = requestAnimationFrame(() => restore(top, until));
  else window.scrollTo(0, top);
}

/** A page begins at its top, or at what its address names behind the #; who comes back finds it as it was left. */
export function useScrollMemory(): void {
  const place = useLocation();
  useLayoutEffect(begin, []);
  useLayoutEffect(() => {
    const entry = `${historyKey()} ${place.pathname}`;
    if (entry === shown) return;
    shown = entry;
    const named = place.hash ? document.getElementById(place.hash.slice(1)) : null;
    const before = places[entry];
    if (before === undefined && named) named.scrollIntoView();
    else restore(before ?? 0, performance.now() + GROWING_MS);
  }, [place]);
}
