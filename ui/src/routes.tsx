import type { QueryClient } from "@tanstack/react-query";
import { parse } from "regexparam";
import { matchRoute, Redirect } from "wouter";
import { restore } from "@/api/session";
import type { User } from "@/api/types";
import { readFilters } from "@/features/servers/list/filters";
import { serverQueries } from "@/features/servers/queries";
import { page, type Page } from "@/lib/lazy";
import { paths } from "@/paths";

interface There {
  params: Record<string, string | undefined>;
  search: string;
}

/** Begins what a page reads, so that code and data travel together. */
type Begin = (client: QueryClient, there: There) => void;

export interface Route {
  /** What is named in it is what `useParams` gives: `/servers/:id`. */
  path: string;
  /** The page, after what is around it. */
  pages: readonly Page[];
  begin?: Begin | undefined;
  /** In front of the door: seen by who is not signed in. */
  open?: boolean;
}

/** A page with those in it: by what follows in their addresses. */
function within(path: string, frame: Page, inner: Record<string, Page | Page[]>, begin?: Begin): Route[] {
  return Object.entries(inner).map(([rest, pages]) => ({ path: path + rest, pages: [frame, pages].flat(), begin }));
}

const beginList: Begin = (client, { search }) => {
  // What staff see first is not what a customer does.
  const begin = (user: User | null) =>
    user ? client.prefetchInfiniteQuery(serverQueries.list(readFilters(new URLSearchParams(search), user))) : undefined;
  void restore().then(begin, () => undefined);
};

const beginServer: Begin = (client, { params: { id = "" } }) => {
  void client.prefetchQuery(serverQueries.detail(id));
  void client.prefetchQuery(serverQueries.latestOperation(id));
};

const serverPage = page(() => import("@/features/servers/page/ServerPage"), "ServerPage");
const operations = page(() => import("@/features/servers/operations/OperationsTab"), "OperationsTab");
const accountPage = page(() => import("@/features/account/AccountPage"), "AccountPage");
const staffPage = page(() => import("@/features/staff/StaffPage"), "StaffPage");
const catalogue = page(() => import("@/features/staff/catalogue/CataloguePage"), "CataloguePage");

/** The whole product on one page; of two that fit an address, the first is meant. */
export const routes: readonly Route[] = [
  { path: "/", pages: [{ Page: Home, load: () => Promise.resolve() }], open: true },
  { path: "/login", pages: [page(() => import("@/features/session/LoginPage"), "LoginPage")], open: true },
  { path: "/password/forgot", pages: [page(() => import("@/features/session/ForgotPage"), "ForgotPage")], open: true },
  { path: "/password/reset", pages: [page(() => import("@/features/session/ResetPage"), "ResetPage")], open: true },
  {
    path: "/invitations/accept",
    pages: [page(() => import("@/features/session/InvitationPage"), "InvitationPage")],
    open: true,
  },
  {
    path: "/servers",
    pages: [page(() => import("@/features/servers/list/ServersPage"), "ServersPage")],
    begin: beginList,
  },
  {
    path: "/servers/new",
    pages: [page(() => import("@/features/servers/create/CreateServerPage"), "CreateServerPage")],
  },
  ...within(
    "/servers/:id",
    serverPage,
    {
      "": page(() => import("@/features/servers/page/OverviewTab"), "OverviewTab"),
      "/console": page(() => import("@/features/servers/console/ConsoleTab"), "ConsoleTab"),
      "/graphs": page(() => import("@/features/servers/graphs/GraphsTab"), "GraphsTab"),
      "/network": page(() => import("@/features/servers/network/NetworkTab"), "NetworkTab"),
      "/backups": page(() => import("@/features/servers/copies/BackupsTab"), "BackupsTab"),
      "/settings": page(() => import("@/features/servers/settings/SettingsTab"), "SettingsTab"),
      "/operations": operations,
      "/operations/:operation": operations,
      "/staff": page(() => import("@/features/staff/server/ServerStaffTab"), "ServerStaffTab"),
      "/history": page(() => import("@/features/servers/page/HistoryTab"), "HistoryTab"),
    },
    beginServer,
  ),
  ...within("/account", accountPage, {
    "": page(() => import("@/features/account/ProfileTab"), "ProfileTab"),
    "/members": page(() => import("@/features/account/MembersTab"), "MembersTab"),
    "/security": page(() => import("@/features/account/SecurityTab"), "SecurityTab"),
    "/keys": page(() => import("@/features/account/KeysTab"), "KeysTab"),
    "/tokens": page(() => import("@/features/account/TokensTab"), "TokensTab"),
    "/webhooks/:webhook?": page(() => import("@/features/webhooks/pages"), "AccountWebhooksTab"),
  }),
  ...within("/admin", staffPage, {
    "": page(() => import("@/features/staff/overview/OverviewPage"), "OverviewPage"),
    "/operations": page(() => import("@/features/staff/operations/OperationsPage"), "OperationsPage"),
    "/capacity": page(() => import("@/features/staff/capacity/CapacityPage"), "CapacityPage"),
    "/plans": [catalogue, page(() => import("@/features/staff/catalogue/PlansPage"), "PlansPage")],
    "/images": [catalogue, page(() => import("@/features/staff/catalogue/ImagesPage"), "ImagesPage")],
    "/locations": [catalogue, page(() => import("@/features/staff/catalogue/LocationsPage"), "LocationsPage")],
    "/customers": page(() => import("@/features/staff/people/CustomersPage"), "CustomersPage"),
    "/customers/:id": page(() => import("@/features/staff/people/CustomerPage"), "CustomerPage"),
    "/users": page(() => import("@/features/staff/people/UsersPage"), "UsersPage"),
    "/users/:id": page(() => import("@/features/staff/people/UserPage"), "UserPage"),
    "/drift": page(() => import("@/features/staff/DriftPage"), "DriftPage"),
    "/clusters": page(() => import("@/features/staff/ClustersPage"), "ClustersPage"),
    "/addresses": page(() => import("@/features/staff/AddressesPage"), "AddressesPage"),
    "/health": page(() => import("@/features/staff/health/HealthPage"), "HealthPage"),
    "/time-machine": page(() => import("@/features/staff/past/TimeMachinePage"), "TimeMachinePage"),
    "/webhooks/:webhook?": page(() => import("@/features/webhooks/pages"), "StaffWebhooksPage"),
    "/imports": page(() => import("@/features/staff/imports/ImportsPage"), "ImportsPage"),
    "/imports/:id": page(() => import("@/features/staff/imports/ImportPage"), "ImportPage"),
  }),
];

function Home() {
  return <Redirect to={paths.servers()} replace />;
}

/** The route of an address, with what the address gives to it; undefined: there is no such page. */
export function routeOf(pathname: string): (Route & Pick<There, "params">) | undefined {
  for (const route of routes) {
    const [fits, params] = matchRoute(parse, route.path, pathname);
    if (fits) return { ...route, params };
  }
  return undefined;
}
