import type { ServerStatus, User } from "@/api/types";
import { words } from "@/words";

export type Sort = keyof typeof words.servers.sorts;

/** What the list shows and what the API is asked; read from the URL. */
export interface Filters {
  q?: string;
  status?: ServerStatus;
  sort?: Sort;
  scope?: "all";
  /** Of this account alone. */
  account?: string;
}

/** Staff see everybody's servers unless the URL says that they want their own. */
export function readFilters(params: URLSearchParams, user: Pick<User, "role"> | null): Filters {
  const filters: Filters = {};
  const q = params.get("q")?.trim();
  const status = params.get("status");
  const sort = params.get("sort");
  if (q) filters.q = q;
  if (status && status in words.status) filters.status = status as ServerStatus;
  if (sort && sort in words.servers.sorts) filters.sort = sort as Sort;
  const account = params.get("account");
  if (account) filters.account = account;
  if (user?.role === "admin" && params.get("scope") !== "own") filters.scope = "all";
  return filters;
}

/** The same parameters with some changed; an empty value removes its parameter. */
export function withFilters(params: URLSearchParams, changes: Record<string, string>): URLSearchParams {
  const next = new URLSearchParams(params);
  for (const [name, value] of Object.entries(changes)) {
    if (value) next.set(name, value);
    else next.delete(name);
  }
  return next;
}

export function isNarrowed(filters: Filters): boolean {
  return Boolean(filters.q ?? filters.status ?? filters.account);
}
