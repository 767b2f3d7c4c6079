import {
  infiniteQueryOptions,
  queryOptions,
  useMutation,
  useQuery,
  useQueryClient,
  type QueryClient,
} from "@tanstack/react-query";
import { useState } from "react";
import { api, unwrap } from "@/api/client";
import { ApiError } from "@/api/errors";
import type { DiskCopy, Metrics, Operation, Server, ServerAction, ServerChange, ServerCreate } from "@/api/types";
import { randomKey } from "@/lib/keys";
import type { Filters } from "@/features/servers/list/filters";
import { laterOperation, newerList, newerServer, type ServerList } from "./fresh";

export type Timeframe = Metrics["timeframe"];

/** The hypervisor measures once a minute. */
const MEASURED_MS = 60_000;
const PAGE = 50;
/** The first page of a list is soon there; those after it are read in larger pieces. */
const NEXT_PAGE = 200;
const ALL = { query: { limit: 200 } };

export const serverQueries = {
  lists: () => ["servers", "list"] as const,
  list: (filters: Filters) =>
    infiniteQueryOptions({
      queryKey: [...serverQueries.lists(), filters] as const,
      initialPageParam: undefined as string | undefined,
      queryFn: ({ pageParam, signal }) =>
        unwrap(
          api.GET("/v1/servers", {
            params: { query: { ...filters, limit: pageParam ? NEXT_PAGE : PAGE, cursor: pageParam } },
            signal,
          }),
        ),
      getNextPageParam: (last) => last.page.next_cursor ?? undefined,
      structuralSharing: (old, next) => newerList(old as ServerList | undefined, next as ServerList),
    }),
  detail: (id: string) =>
    queryOptions({
      queryKey: ["servers", "detail", id] as const,
      queryFn: ({ signal }) => unwrap(api.GET("/v1/servers/{id}", { params: { path: { id } }, signal })),
      structuralSharing: (old, next) => newerServer(old as Server | undefined, next as Server),
    }),
  history: (id: string) =>
    infiniteQueryOptions({
      queryKey: ["servers", "history", id] as const,
      initialPageParam: undefined as string | undefined,
      queryFn: ({ pageParam, signal }) => {
        const params = { path: { id }, query: { limit: PAGE, cursor: pageParam } };
        return unwrap(api.GET("/v1/servers/{id}/history", { params, signal }));
      },
      getNextPageParam: (last) => last.page.next_cursor ?? undefined,
    }),
  snapshots: (id: string) =>
    queryOptions({
      queryKey: ["servers", "snapshots", id] as readonly string[],
      queryFn: async ({ signal }): Promise<DiskCopy[]> => {
        const params = { path: { id }, ...ALL };
        return (await unwrap(api.GET("/v1/servers/{id}/snapshots", { params, signal }))).data;
      },
    }),
  backups: (id: string) =>
    queryOptions({
      queryKey: ["servers", "backups", id] as readonly string[],
      queryFn: async ({ signal }): Promise<DiskCopy[]> => {
        const params = { path: { id }, ...ALL };
        return (await unwrap(api.GET("/v1/servers/{id}/backups", { params, signal }))).data;
      },
    }),
  metrics: (id: string, timeframe: Timeframe) =>
    queryOptions({
      queryKey: ["servers", "metrics", id, timeframe] as const,
      refetchInterval: MEASURED_MS,
      queryFn: ({ signal }) =>
        unwrap(api.GET("/v1/servers/{id}/metrics", { params: { path: { id }, query: { timeframe } }, signal })),
    }),
  operations: (id: string) =>
    infiniteQueryOptions({
      queryKey: ["servers", "operations", id] as const,
      initialPageParam: undefined as string | undefined,
      queryFn: ({ pageParam, signal }) => {
        const params = { path: { id }, query: { limit: PAGE, cursor: pageParam } };
        return unwrap(api.GET("/v1/servers/{id}/actions", { params, signal }));
      },
      getNextPageParam: (last) => last.page.next_cursor ?? undefined,
    }),
  operation: (id: string) =>
    queryOptions({
      queryKey: ["operations", id] as const,
      queryFn: ({ signal }) => unwrap(api.GET("/v1/operations/{id}", { params: { path: { id } }, signal })),
      structuralSharing: (old, next) => laterOperation(old as Operation | undefined, next as Operation),
    }),
  latestOperation: (id: string) =>
    queryOptions({
      queryKey: ["servers", "latest-operation", id] as const,
      queryFn: async ({ signal }) => {
        const params = { path: { id }, query: { limit: 1 } };
        const { data } = await unwrap(api.GET("/v1/servers/{id}/actions", { params, signal }));
        return data[0] ?? null;
      },
    }),
};

export const catalogueQueries = {
  plans: () => queryOptions({ queryKey: ["plans"], queryFn: () => unwrap(api.GET("/v1/plans", { params: ALL })) }),
  images: () => queryOptions({ queryKey: ["images"], queryFn: () => unwrap(api.GET("/v1/images", { params: ALL })) }),
  locations: () =>
    queryOptions({ queryKey: ["locations"], queryFn: () => unwrap(api.GET("/v1/locations", { params: ALL })) }),
};

/** What can be asked of a server: the bodies of its actions, and its end. */
export type Ask = ServerAction | { type: "terminate" };

async function request(id: string, ask: Ask, key: string) {
  const params = { path: { id }, header: { "Idempotency-Key": key } };
  if (ask.type === "terminate") return unwrap(api.DELETE("/v1/servers/{id}", { params }));
  const answer = await unwrap(api.POST("/v1/servers/{id}/actions", { params, body: ask }));
  if ("fits" in answer) throw new Error("a dry run was never asked for");
  return answer;
}

/** The operation a server is busy with, as far as it is known yet. */
export function useCurrentOperation({ current_operation: id }: Server): Operation | undefined {
  const { data } = useQuery({ ...serverQueries.operation(id ?? ""), enabled: id !== null });
  return id ? data : undefined;
}

/** Whether all is known that the page of a server begins with: the server, what it is busy with, how the last ended. */
export function useBeginning(id: string, server: Server | undefined): boolean {
  const latest = useQuery(serverQueries.latestOperation(id));
  const current = server?.current_operation ?? null;
  const operation = useQuery({ ...serverQueries.operation(current ?? ""), enabled: current !== null });
  const ready = server !== undefined && (current === null ? !latest.isPending : !operation.isPending);
  const [begun, setBegun] = useState(ready);
  if (ready && !begun) setBegun(true);
  return begun || ready;
}

/** Ask for an action; what is shown of the server is read again. Throws what the service says against it. */
export async function askServer(client: QueryClient, id: string, ask: Ask) {
  const { queryKey } = serverQueries.detail(id);
  const answer = await request(id, ask, randomKey()).finally(() => client.invalidateQueries({ queryKey }));
  const { operation } = answer;
  client.setQueryData(serverQueries.operation(operation.id).queryKey, (old) => laterOperation(old, operation));
  return answer;
}

/** Ask for an action. It stays pending until the server has been read again, so that no button flickers back. */
export function useServerAction(id: string, onAccepted: (operation: string) => void) {
  const client = useQueryClient();
  return useMutation({
    mutationFn: (ask: Ask) => request(id, ask, randomKey()),
    onSuccess: async ({ operation }) => {
      client.setQueryData(serverQueries.operation(operation.id).queryKey, (old) => laterOperation(old, operation));
      onAccepted(operation.id);
      void client.invalidateQueries({ queryKey: serverQueries.operations(id).queryKey });
      await client.invalidateQueries({ queryKey: serverQueries.detail(id).queryKey });
    },
    onError: () => client.invalidateQueries({ queryKey: serverQueries.detail(id).queryKey }),
  });
}

/** Change what a server is marked with or guarded by: at once, with no operation. */
export function useChangeServer(id: string) {
  const client = useQueryClient();
  return useMutation({
    mutationFn: async (change: Pick<ServerChange, "labels" | "protection">) => {
      const params = { path: { id }, header: { "Idempotency-Key": randomKey() } };
      return (await unwrap(api.PATCH("/v1/servers/{id}", { params, body: change }))) as Server;
    },
    onSuccess: (server) =>
      client.setQueryData(serverQueries.detail(id).queryKey, (old: Server | undefined) => newerServer(old, server)),
  });
}

/** What the service would say to this order; nothing is written. */
export const dryRun = (order: ServerCreate | null) =>
  queryOptions({
    queryKey: ["servers", "dry-run", order] as const,
    enabled: order !== null,
    staleTime: 0,
    gcTime: 0,
    queryFn: async ({ signal }) => {
      if (!order) return false;
      await unwrap(api.POST("/v1/servers", { params: { query: { dry_run: true } }, body: order, signal }));
      return true;
    },
    // Room may come while somebody looks; what is wrong with an order stays wrong until it is changed.
    refetchInterval: ({ state }) => (lacksRoom(state.error) ? ROOM_MS : false),
  });

const ROOM_MS = 5_000;

const lacksRoom = (error: unknown) =>
  error instanceof ApiError && error.problem.errors.some(({ code }) => code === "no_capacity");

type Created = { server: Server; operation: Operation };

async function create(order: ServerCreate, key: string): Promise<Created> {
  const params = { header: { "Idempotency-Key": key } };
  // Only a dry run is answered with anything else.
  return (await unwrap(api.POST("/v1/servers", { params, body: order }))) as Created;
}

interface Placed {
  order: ServerCreate;
  /** One per order as filled in, so that sending it again after silence cannot create a second server. */
  key: string;
}

export function useCreateServer() {
  const client = useQueryClient();
  return useMutation({
    mutationFn: ({ order, key }: Placed) => create(order, key),
    onSuccess: (answer) => remember(client, answer),
  });
}

function remember(client: QueryClient, { server, operation }: Created): void {
  client.setQueryData(serverQueries.detail(server.id).queryKey, server);
  client.setQueryData(serverQueries.operation(operation.id).queryKey, operation);
  void client.invalidateQueries({ queryKey: serverQueries.lists() });
}
