/** The only place that spells a URL of the dashboard. */
export const paths = {
  login: (next?: string) => (next && next !== "/" ? `/login?next=${encodeURIComponent(next)}` : "/login"),
  servers: () => "/servers",
  newServer: () => "/servers/new",
  server: (id: string) => `/servers/${encodeURIComponent(id)}`,
  serverOperation: (id: string, operation: string) =>
    `/servers/${encodeURIComponent(id)}?operation=${encodeURIComponent(operation)}`,
  serverHistory: (id: string) => `/servers/${encodeURIComponent(id)}/history`,
};

/** `next` as given in a URL, or the servers list unless it is a path on this site. */
export function safeNext(next: string | null): string {
  return next && /^\/(?![/\\])/.test(next) ? next : paths.servers();
}
