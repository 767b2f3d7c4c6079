import { lazy, useState, type ComponentType, type ReactNode } from "react";

/** A page, or what is around pages and shows them as its children. */
export type Drawn = ComponentType<{ children?: ReactNode }>;

export interface Page {
  Page: Drawn;
  /** Fetches its code, once. */
  load: () => Promise<unknown>;
}

/** A page whose code is fetched when it is wanted. What is there already is drawn at once, as React's `lazy` does not. */
export function page<Name extends string>(module: () => Promise<Record<Name, Drawn>>, name: Name): Page {
  let loaded: Drawn | undefined;
  let loading: Promise<{ default: Drawn }> | undefined;
  const load = () => (loading ??= module().then((found) => ({ default: (loaded = found[name]) })));
  const Late = lazy(load);
  function Page({ children }: { children?: ReactNode }) {
    const [Found] = useState<Drawn>(() => loaded ?? Late);
    return <Found>{children}</Found>;
  }
  return { Page, load };
}
