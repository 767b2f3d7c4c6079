import { queryOptions, useMutation, useQuery, useQueryClient } from "@tanstack/react-query";
import { useEffect } from "react";
import { api, unwrap } from "@/api/client";
import { ApiError } from "@/api/errors";
import type { SavedView } from "@/api/types";

/** A list as somebody wants to see it again: `search` is what its URL says behind the question mark. */
export interface View {
  name: string;
  search: string;
}

/** What the service keeps with the user. */
const viewsQuery = (user: string) =>
  queryOptions({
    queryKey: ["servers-views", user] as const,
    queryFn: async ({ signal }) => (await unwrap(api.GET("/v1/users/me/views", { signal }))).data,
  });

const ASKED = ["q", "status", "account", "label", "sort"];

/** The view as the service takes it; staff see everybody's servers unless the URL says that they want their own. */
function toBody({ name, search }: View) {
  const given = new URLSearchParams(search);
  const query = new URLSearchParams(Array.from(given).filter(([key, value]) => ASKED.includes(key) && value));
  return { name, query: `${query}`, scope: given.get("scope") === "own" ? ("own" as const) : ("all" as const) };
}

/** What the URL says for a view. */
export function searchOf({ query, scope }: Pick<SavedView, "query" | "scope">): string {
  const params = new URLSearchParams(query);
  if (scope === "own") params.set("scope", "own");
  return `${params}`;
}

/** Whether two URLs say the same, in whatever order. */
export function sameSearch(one: string, other: string): boolean {
  const sorted = (search: string) => {
    const params = new URLSearchParams(search);
    params.sort();
    return `${params}`;
  };
  return sorted(one) === sorted(other);
}

/** The views that a user has, on every machine. One of a name replaces the one before. */
export function useViews(user: string) {
  const client = useQueryClient();
  const found = useQuery(viewsQuery(user));
  const views = found.data ?? [];
  const refresh = () => client.invalidateQueries({ queryKey: viewsQuery(user).queryKey });
  const save = useMutation({
    mutationFn: (view: View) => keep(view, views.find(({ name }) => name === view.name)?.id),
    onSettled: refresh,
  });
  const drop = useMutation({
    mutationFn: (id: string) => unwrap(api.DELETE("/v1/users/me/views/{id}", { params: { path: { id } } })),
    onSettled: refresh,
  });
  useEffect(() => {
    if (found.data) void takeOver(user, found.data)?.then(refresh);
  });
  return { views, save, drop };
}

function keep(view: View, id?: string): Promise<SavedView> {
  const body = toBody(view);
  return unwrap(
    id
      ? api.PUT("/v1/users/me/views/{id}", { params: { path: { id } }, body })
      : api.POST("/v1/users/me/views", { body }),
  );
}

/* Views were once kept in the browser alone: those that are found there go to the service, once. */

const kept = (user: string) => `hostler.views.${user}`;
const moving = new Set<string>();

function isView(value: unknown): value is View {
  const { name, search } = (value ?? {}) as Partial<View>;
  return typeof name === "string" && typeof search === "string";
}

function inBrowser(user: string): View[] {
  try {
    const found: unknown = JSON.parse(localStorage.getItem(kept(user)) ?? "[]");
    return Array.isArray(found) ? found.filter(isView) : [];
  } catch {
    return [];
  }
}

/** Moves what is in the browser; null: there is nothing, or it is being moved. */
function takeOver(user: string, there: readonly SavedView[]): Promise<unknown> | null {
  if (moving.has(user) || localStorage.getItem(kept(user)) === null) return null;
  moving.add(user);
  const fresh = inBrowser(user).filter((view) => there.every(({ name }) => name !== view.name));
  return Promise.all(fresh.map((view) => keep(view).catch(refused)))
    .then(() => localStorage.removeItem(kept(user)))
    .catch(() => undefined)
    .finally(() => moving.delete(user));
}

/** What the service says no to would be refused again; silence is worth another try with the next page. */
function refused(error: unknown): void {
  if (!(error instanceof ApiError && error.status < 500)) throw error;
}
