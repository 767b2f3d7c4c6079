import { words } from "@/words";

export type State = keyof typeof words.staff.operationsPage.states;
type Asked = Exclude<State, "any">;

/** What the list shows; read from the URL. */
export interface Filters {
  status?: Asked;
  type?: string;
  cluster?: string;
  node?: string;
}

/** Without a word about it, what has not ended is shown. */
export function readFilters(params: URLSearchParams): Filters {
  const filters: Filters = {};
  const status = params.get("status") ?? "open";
  if (status !== "any") filters.status = status in words.staff.operationsPage.states ? (status as Asked) : "open";
  for (const name of ["type", "cluster", "node"] as const) {
    const value = params.get(name)?.trim();
    if (value) filters[name] = value;
  }
  return filters;
}
