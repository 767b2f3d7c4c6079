import { useCallback, useState } from "react";

/** A list as somebody wants to see it again: `search` is what its URL says behind the question mark. */
export interface View {
  name: string;
  search: string;
}

const key = (user: string) => `hostler.views.${user}`;

function isView(value: unknown): value is View {
  const { name, search } = (value ?? {}) as Partial<View>;
  return typeof name === "string" && typeof search === "string";
}

function read(user: string): View[] {
  try {
    const kept: unknown = JSON.parse(localStorage.getItem(key(user)) ?? "[]");
    return Array.isArray(kept) ? kept.filter(isView) : [];
  } catch {
    return [];
  }
}

/** The views that a user keeps in this browser. One of a name replaces the one before. */
export function useViews(user: string) {
  const [views, setViews] = useState(() => read(user));
  const keep = useCallback(
    (next: View[]) => {
      localStorage.setItem(key(user), JSON.stringify(next));
      setViews(next);
    },
    [user],
  );
  const others = (name: string) => views.filter((view) => view.name !== name);
  return {
    views,
    save: (view: View) => keep([...others(view.name), view]),
    drop: (name: string) => keep(others(name)),
  };
}
