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

/**
 * The later of two states of one operation. It never goes back; what succeeded or was cancelled never unfinishes.
 * One that failed may: it is tried again, and then some steps may begin anew.
 */
export function laterOperation(old: Operation | undefined, next: Operation): Operation {
  if (!old || mayBeginAgain(old)) return next;
  const back = (old.finished_at && !next.finished_at) || old.progress > next.progress;
  return back ? old : next;
}

function mayBeginAgain({ status }: Operation): boolean {
  return status === "failed" || status === "needs_attention";
}

export type ServerList = InfiniteData<ServerPage, string | undefined>;

export function mapServers(list: ServerList, change: (server: Server) => Server): ServerList {
  return { ...list, pages: list.pages.map((page) => ({ ...page, data: page.data.map(change) })) };
}

/** A list as just answered, except for rows that were already newer. Pages that were not read again stay as they are. */
export function newerList(old: ServerList | undefined, next: ServerList): ServerList {
  if (!old || old === next) return next;
  const before = new Set(old.pages);
  const known = new Map(old.pages.flatMap((page) => page.data).map((server) => [server.id, server]));
  const newer = (server: Server) => newerServer(known.get(server.id), server);
  const pages = next.pages.map((page) => (before.has(page) ? page : { ...page, data: page.data.map(newer) }));
  return { ...next, pages };
}
