import type { QueryClient } from "@tanstack/react-query";
import { shareStream } from "@/api/shared";
import { openStream, type StreamEvent } from "@/api/stream";
import type { Operation, Server } from "@/api/types";
import { laterOperation, mapServers, newerServer, type ServerList } from "./fresh";
import { serverQueries } from "./queries";

/** What an event carries; the greeting at the beginning carries nothing. */
interface Change {
  resource?: Server | Operation;
}

const POLL_MS = 5_000;
const SETTLE_MS = 250;
const DYNAMIC = [
  ["servers", "list"],
  ["servers", "detail"],
  ["servers", "history"],
  ["servers", "latest-operation"],
  ["servers", "operations"],
  ["servers", "snapshots"],
  ["servers", "backups"],
  ["operations"],
];

function refreshAll(client: QueryClient): void {
  for (const queryKey of DYNAMIC) void client.invalidateQueries({ queryKey });
}

function listsKnow(client: QueryClient, id: string): boolean {
  const lists = client.getQueriesData<ServerList>({ queryKey: serverQueries.lists() });
  return lists.every(([, list]) => list?.pages.some((page) => page.data.some((server) => server.id === id)));
}

/** Puts pushed changes into the query cache, so that whatever is on the screen follows. */
export class LiveCache {
  private settle: ReturnType<typeof setTimeout> | undefined;

  constructor(private readonly client: QueryClient) {}

  apply(event: StreamEvent): void {
    if (event.type === "hypervisor.changed") return refreshAll(this.client);
    const { resource } = event.data as Change;
    if (resource?.object === "server") this.server(resource);
    if (resource?.object === "operation") this.operation(resource);
  }

  stop(): void {
    clearTimeout(this.settle);
  }

  private server(server: Server): void {
    const { client } = this;
    const { queryKey } = serverQueries.detail(server.id);
    client.setQueryData(queryKey, (old: Server | undefined) => old && newerServer(old, server));
    this.lists((row) => (row.id === server.id ? newerServer(row, server) : row));
    this.outdate(serverQueries.history(server.id).queryKey);
    this.outdate(serverQueries.snapshots(server.id).queryKey);
    this.outdate(serverQueries.backups(server.id).queryKey);
    this.membership(server);
  }

  private operation(operation: Operation): void {
    const { queryKey } = serverQueries.operation(operation.id);
    // An answer that is still under way may be older than this, and of one that failed nobody could tell.
    void this.client.cancelQueries({ queryKey });
    this.client.setQueryData(queryKey, (old: Operation | undefined) => laterOperation(old, operation));
    this.outdate(serverQueries.operations(operation.resource.id).queryKey);
    this.outdate(serverQueries.latestOperation(operation.resource.id).queryKey);
  }

  private outdate(queryKey: readonly unknown[]): void {
    void this.client.invalidateQueries({ queryKey });
  }

  private lists(change: (server: Server) => Server): void {
    this.client.setQueriesData<ServerList>(
      { queryKey: serverQueries.lists() },
      (list) => list && mapServers(list, change),
    );
  }

  /** A server may have entered or left a filtered list: only the service knows, asked once things settle. */
  private membership(server: Server): void {
    const filtered = this.client
      .getQueriesData({ queryKey: serverQueries.lists() })
      .some(([key]) => JSON.stringify(key).includes('"status"'));
    if (!filtered && listsKnow(this.client, server.id)) return;
    clearTimeout(this.settle);
    this.settle = setTimeout(() => void this.client.invalidateQueries({ queryKey: serverQueries.lists() }), SETTLE_MS);
  }
}

/**
 * Keep the cache live until the returned function is called. While the stream is down it is polled instead;
 * `onState` hears which of the two it is. Tabs which give the same `name` share one stream; null shares it with none.
 */
export function followServers(client: QueryClient, name: string | null, onState: (live: boolean) => void): () => void {
  const cache = new LiveCache(client);
  let poll: ReturnType<typeof setInterval> | undefined;
  const state = (live: boolean) => {
    clearInterval(poll);
    if (!live) poll = setInterval(() => refreshAll(client), POLL_MS);
    onState(live);
  };
  const listener = { onEvent: cache.apply.bind(cache), onGap: () => refreshAll(client), onState: state };
  const close = name ? shareStream(name, listener) : openStream(listener);
  return () => {
    close();
    cache.stop();
    clearInterval(poll);
  };
}
