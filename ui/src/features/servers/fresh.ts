import type { InfiniteData } from "@tanstack/react-query";
import type { Operation, Server, ServerPage } from "@/api/types";

/*
 * Answers and pushed events overtake each other; these decide what stays in the cache.
 * TanStack Query calls them as `structuralSharing`, for every answer.
 */

/** The newer of two states of one server. Fields only one of them has (staff's) are kept. */
export function newerServer(old: Server | undefined, next: Server): Server {
  if (!old) return next;
  return old.version > next.version ? old : { ...old, ...next };
}

/** The later of two states of one operation: it never unfinishes and never goes back. */
export function laterOperation(old: Operation | undefined, next: Operation): Operation {
  if (!old) return next;
  const back = (old.finished_at && !next.finished_at) || (old.progress ?? 0) > (next.progress ?? 0);
  return back ? old : next;
}

export type ServerList = InfiniteData<ServerPage, string | undefined>;

export function mapServers(list: ServerList, change: (server: Server) => Server): ServerList {
  return { ...list, pages: list.pages.map((page) => ({ ...page, data: page.data.map(change) })) };
}

/** A list as just answered, except for rows that were already newer. */
export function newerList(old: ServerList | undefined, next: ServerList): ServerList {
  if (!old) return next;
  const known = new Map(old.pages.flatMap((page) => page.data).map((server) => [server.id, server]));
  return mapServers(next, (server) => newerServer(known.get(server.id), server));
}
