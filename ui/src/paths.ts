const of = (account?: string) => (account ? `?account=${encodeURIComponent(account)}` : "");

/** The only place that spells a URL of the dashboard. */
export const paths = {
  login: (next?: string) => (next && next !== "/" ? `/login?next=${encodeURIComponent(next)}` : "/login"),
  forgot: () => "/password/forgot",
  invitation: () => "/invitations/accept",
  account: () => "/account",
  accountSecurity: () => `${paths.account()}/security`,
  accountKeys: () => `${paths.account()}/keys`,
  accountTokens: () => `${paths.account()}/tokens`,
  accountMembers: (account?: string) => `${paths.account()}/members${of(account)}`,
  accountWebhooks: (account?: string) => `${paths.account()}/webhooks${of(account)}`,
  accountWebhook: (id: string, account?: string) =>
    `${paths.account()}/webhooks/${encodeURIComponent(id)}${of(account)}`,
  servers: () => "/servers",
  serversOf: (account: string) => `${paths.servers()}?account=${encodeURIComponent(account)}`,
  newServer: () => "/servers/new",
  server: (id: string) => `/servers/${encodeURIComponent(id)}`,
  serverOperations: (id: string) => `${paths.server(id)}/operations`,
  serverOperation: (id: string, operation: string) => `${paths.serverOperations(id)}/${encodeURIComponent(operation)}`,
  serverConsole: (id: string) => `${paths.server(id)}/console`,
  serverGraphs: (id: string) => `${paths.server(id)}/graphs`,
  serverNetwork: (id: string) => `${paths.server(id)}/network`,
  serverBackups: (id: string) => `${paths.server(id)}/backups`,
  serverHistory: (id: string) => `${paths.server(id)}/history`,
  serverSettings: (id: string) => `${paths.server(id)}/settings`,
  serverStaff: (id: string) => `${paths.server(id)}/staff`,
  admin: () => "/admin",
  adminOperations: (status?: string, type?: string) => {
    const filters = new URLSearchParams({ ...(status ? { status } : {}), ...(type ? { type } : {}) });
    return `/admin/operations${filters.size > 0 ? `?${filters}` : ""}`;
  },
  adminCapacity: () => "/admin/capacity",
  adminPlans: () => "/admin/plans",
  adminImages: () => "/admin/images",
  adminLocations: () => "/admin/locations",
  adminCustomers: () => "/admin/customers",
  adminCustomer: (id: string) => `${paths.adminCustomers()}/${encodeURIComponent(id)}`,
  adminUsers: () => "/admin/users",
  adminUser: (id: string) => `${paths.adminUsers()}/${encodeURIComponent(id)}`,
  adminDrift: () => "/admin/drift",
  adminClusters: () => "/admin/clusters",
  adminAddresses: () => "/admin/addresses",
  adminHealth: () => "/admin/health",
  adminPast: (about?: string) => `/admin/time-machine${about ? `?about=${encodeURIComponent(about)}` : ""}`,
  adminWebhooks: () => "/admin/webhooks",
  adminWebhook: (id: string) => `${paths.adminWebhooks()}/${encodeURIComponent(id)}`,
  adminImports: () => "/admin/imports",
  adminImport: (id: string) => `${paths.adminImports()}/${encodeURIComponent(id)}`,
};

/** `next` as given in a URL, or the servers list unless it is a path on this site. */
export function safeNext(next: string | null): string {
  return next && /^\/(?![/\\])/.test(next) ? next : paths.servers();
}
