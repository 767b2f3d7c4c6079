import {
  createContext,
  useCallback,
  useContext,
  useDeferredValue,
  useEffect,
  useMemo,
  useRef,
  type ReactNode,
} from "react";
import { Router } from "wouter";
import { navigate, useLocationProperty } from "wouter/use-browser-location";
import { randomKey } from "./keys";

export interface Location {
  pathname: string;
  /** With its question mark, as the browser has it. */
  search: string;
  hash: string;
}

interface Options {
  /** Instead of the entry of the history that is shown now. */
  replace?: boolean;
}

const Shown = createContext<Location>({ pathname: "/", search: "", hash: "" });

const read = (href: string): Location => new URL(href, "http://nowhere");
const now = () => window.location.href.slice(window.location.origin.length);
const shownPath = (): [string, typeof go] => [useLocation().pathname, go];

interface Props {
  /** Where there is no browser: the address that is drawn. */
  at?: string;
  /** Told of each further address as soon as it is asked for. */
  onGo?: (there: Location) => void;
  children: ReactNode;
}

/**
 * What is inside is drawn for one address. A new one is drawn in small pieces, between which the browser answers; until
 * that is done, and its code is there, what was shown stays.
 */
export function Located({ at = "/", onGo, children }: Props) {
  const href = useLocationProperty(now, () => at);
  const told = useRef(href);
  useEffect(() => {
    if (told.current !== href) onGo?.(read(href));
    told.current = href;
  }, [href, onGo]);
  const shown = useDeferredValue(href);
  return (
    <Shown value={useMemo(() => read(shown), [shown])}>
      <Router hook={shownPath}>{children}</Router>
    </Shown>
  );
}

/** The address that is drawn. */
export function useLocation(): Location {
  return useContext(Shown);
}

/** To another page of the dashboard. */
export function go(to: string, { replace = false }: Options = {}): void {
  // The same again is no step that `back` should have to undo.
  const same = new URL(to, window.location.href).href === window.location.href;
  if (replace || same) navigate(to, { replace: true, state: history.state as unknown });
  else navigate(to, { state: { key: randomKey() } });
}

/** Which entry of the browser's history is shown; the same when somebody comes back to it. */
export function historyKey(): string {
  return (history.state as { key?: string } | null)?.key ?? "";
}

type Given = ConstructorParameters<typeof URLSearchParams>[0];
export type SetParams = (next: Given | ((now: URLSearchParams) => Given), options?: Options) => void;

/**
 * What stands in the address behind the question mark, and how to change it. A function is given what stands there now,
 * drawn or not, so that of two changes none is lost; a page that is being left changes no other page's address.
 */
export function useSearchParams(): [URLSearchParams, SetParams] {
  const { pathname, search } = useLocation();
  const set = useCallback<SetParams>(
    (next, options) => {
      if (window.location.pathname !== pathname) return;
      const given = typeof next === "function" ? next(new URLSearchParams(window.location.search)) : next;
      const params = new URLSearchParams(given);
      go(pathname + (params.size > 0 ? `?${params}` : ""), options);
    },
    [pathname],
  );
  return [useMemo(() => new URLSearchParams(search), [search]), set];
}
