import { infiniteQueryOptions, keepPreviousData, queryOptions } from "@tanstack/react-query";
import { api, unwrap } from "@/api/client";
import type { ServerAction } from "@/api/types";
import { randomKey } from "@/lib/keys";
import type { Filters } from "./operations/filters";
import type { Hold } from "@/api/holding";

const POLL_MS = 15_000;
/** For what somebody looks at while it goes wrong. */
const WATCH_MS = 5_000;
/** For what moves slowly, and takes a while to count. */
const PACE_MS = 60_000;
const LISTED = 50;
const live = { refetchInterval: POLL_MS } as const;

/** What staff sees; all of it under one key, so that an act can outdate all of it. */
export const staffQueries = {
  all: ["staff"] as const,
  drift: (ignored: boolean) =>
    infiniteQueryOptions({
      ...live,
      queryKey: ["staff", "drift", ignored] as const,
      initialPageParam: undefined as string | undefined,
      queryFn: ({ pageParam, signal }) => {
        const query = { ignored, limit: LISTED, cursor: pageParam };
        return unwrap(api.GET("/v1/admin/drift", { params: { query }, signal }));
      },
      getNextPageParam: (last) => last.page.next_cursor ?? undefined,
    }),
  allOperations: (filters: Filters, limit = LISTED) =>
    infiniteQueryOptions({
      ...live,
      queryKey: ["staff", "allOperations", filters, limit] as const,
      initialPageParam: undefined as string | undefined,
      queryFn: ({ pageParam, signal }) => {
        const query = { ...filters, limit, cursor: pageParam };
        return unwrap(api.GET("/v1/admin/operations", { params: { query }, signal }));
      },
      getNextPageParam: (last) => last.page.next_cursor ?? undefined,
      placeholderData: keepPreviousData,
    }),
  capacity: () =>
    queryOptions({
      ...live,
      queryKey: ["staff", "capacity"] as const,
      queryFn: ({ signal }) => unwrap(api.GET("/v1/admin/capacity", { signal })),
    }),
  pace: () =>
    queryOptions({
      refetchInterval: PACE_MS,
      queryKey: ["staff", "pace"] as const,
      queryFn: ({ signal }) => unwrap(api.GET("/v1/admin/pace", { signal })),
    }),
  clusters: () =>
    queryOptions({
      ...live,
      queryKey: ["staff", "clusters"] as const,
      queryFn: ({ signal }) => unwrap(api.GET("/v1/admin/clusters", { params: { query: { limit: 200 } }, signal })),
    }),
  destroys: () =>
    queryOptions({
      ...live,
      queryKey: ["staff", "destroys"] as const,
      queryFn: ({ signal }) => unwrap(api.GET("/v1/admin/destroys", { signal })),
    }),
  imports: () =>
    infiniteQueryOptions({
      ...live,
      queryKey: ["staff", "imports"] as const,
      initialPageParam: undefined as string | undefined,
      queryFn: ({ pageParam, signal }) => {
        const query = { limit: LISTED, cursor: pageParam };
        return unwrap(api.GET("/v1/admin/imports", { params: { query }, signal }));
      },
      getNextPageParam: (last) => last.page.next_cursor ?? undefined,
    }),
  import: (id: string) =>
    queryOptions({
      ...live,
      queryKey: ["staff", "import", id] as const,
      queryFn: ({ signal }) => unwrap(api.GET("/v1/admin/imports/{id}", { params: { path: { id } }, signal })),
    }),
  health: () =>
    queryOptions({
      refetchInterval: WATCH_MS,
      queryKey: ["staff", "health"] as const,
      queryFn: ({ signal }) => unwrap(api.GET("/v1/admin/health", { signal })),
    }),
  decisions: () =>
    infiniteQueryOptions({
      ...live,
      queryKey: ["staff", "decisions"] as const,
      initialPageParam: undefined as string | undefined,
      queryFn: ({ pageParam, signal }) => {
        const query = { limit: 10, cursor: pageParam };
        return unwrap(api.GET("/v1/admin/decisions", { params: { query }, signal }));
      },
      getNextPageParam: (last) => last.page.next_cursor ?? undefined,
    }),
  holds: () =>
    queryOptions({
      ...live,
      queryKey: ["staff", "holds"] as const,
      queryFn: ({ signal }) => unwrap(api.GET("/v1/admin/holds", { signal })),
    }),
  past: (about: string, time: string) =>
    infiniteQueryOptions({
      queryKey: ["staff", "past", about, time] as const,
      initialPageParam: undefined as string | undefined,
      queryFn: ({ pageParam, signal }) => {
        const query = { [subjectOf(about)]: about, time, cursor: pageParam };
        return unwrap(api.GET("/v1/admin/time-machine", { params: { query }, signal }));
      },
      getNextPageParam: (last) => last.events.page.next_cursor ?? undefined,
    }),
  holders: (address: string, at: string | null) =>
    queryOptions({
      queryKey: ["staff", "holders", address, at] as const,
      queryFn: ({ signal }) => {
        const params = { path: { address }, query: at ? { at } : {} };
        return unwrap(api.GET("/v1/admin/addresses/{address}", { params, signal }));
      },
    }),
};

/** What an id or an address names. */
function subjectOf(about: string): "server" | "account" | "address" {
  if (about.startsWith("srv_")) return "server";
  return about.startsWith("acc_") ? "account" : "address";
}

export type Mode = "observe" | "manage";

/** What staff can do; each answers when the service has taken it on. */
export const staffActs = {
  decide: (id: string, action: "retry" | "skip" | "abandon", reason: string) =>
    unwrap(api.POST("/v1/admin/operations/{id}", { params: { path: { id } }, body: { action, reason } })),
  settle: (id: string, action: "adopt" | "repair" | "ignore") =>
    unwrap(api.POST("/v1/admin/drift/{id}", { params: { path: { id } }, body: { action } })),
  maintain: (name: string, on: boolean, node: string | null, reason: string) =>
    unwrap(
      api.POST("/v1/admin/clusters/{name}/maintenance", { params: { path: { name } }, body: { on, node, reason } }),
    ),
  switchCluster: (name: string, mode: Mode) =>
    unwrap(api.POST("/v1/admin/clusters/{name}/mode", { params: { path: { name } }, body: { mode } })),
  allowBilling: () => unwrap(api.POST("/v1/admin/holds", { body: { minutes: 10 } })),
  pause: (paused: boolean, reason: string) => unwrap(api.POST("/v1/admin/effects", { body: { paused, reason } })),
  allowDestroys: () => unwrap(api.POST("/v1/admin/destroys", { body: { minutes: 10 } })),
  switchServers,
  switchServer: (id: string, mode: Mode) =>
    unwrap(api.POST("/v1/admin/servers/mode", { body: { mode, servers: [id], filter: null } })),
  suspend: (id: string, reason: Hold, note: string) => ofServer(id, { type: "suspend", reason, note }),
  lift: (id: string, reason: Hold) => ofServer(id, { type: "unsuspend", reason }),
};

/** Asks for an action on a server; the id of its operation. */
async function ofServer(id: string, body: ServerAction): Promise<string> {
  const params = { path: { id }, header: { "Idempotency-Key": randomKey() } };
  const answer = await unwrap(api.POST("/v1/servers/{id}/actions", { params, body }));
  if ("fits" in answer) throw new Error("a dry run was never asked for");
  return answer.operation.id;
}

/** Switches all servers of a cluster, batch by batch; how many it were. */
async function switchServers(cluster: string, mode: Mode): Promise<number> {
  const { changed, has_more } = await unwrap(
    api.POST("/v1/admin/servers/mode", { body: { mode, servers: null, filter: { cluster } } }),
  );
  return has_more ? changed + (await switchServers(cluster, mode)) : changed;
}
