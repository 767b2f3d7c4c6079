import type { QueryClient } from "@tanstack/react-query";
import { redirect, type LoaderFunctionArgs, type RouteObject } from "react-router";
import { restore } from "@/api/session";
import type { User } from "@/api/types";
import { readFilters } from "@/features/servers/list/filters";
import { serverQueries } from "@/features/servers/queries";
import { paths } from "@/paths";
import { NotFound, RouteFailure } from "@/RouteFailure";
import { Shell } from "@/Shell";

/** The whole product on one page. Loaders only begin what the pages read, so that code and data travel together. */
export function routes(client: QueryClient): RouteObject[] {
  const prefetchList = ({ request }: LoaderFunctionArgs) => {
    const { searchParams } = new URL(request.url);
    // What staff see first is not what a customer does.
    const begin = (user: User | null) =>
      user ? client.prefetchInfiniteQuery(serverQueries.list(readFilters(searchParams, user))) : undefined;
    void restore().then(begin, () => undefined);
    return null;
  };
  const prefetchServer = ({ params }: LoaderFunctionArgs) => {
    void client.prefetchQuery(serverQueries.detail(params["id"] ?? ""));
    return null;
  };
  return [
    { path: "/", loader: () => redirect(paths.servers()), HydrateFallback: Coming },
    ...entrance,
    {
      Component: Shell,
      loader: signedIn,
      shouldRevalidate: () => false,
      ErrorBoundary: RouteFailure,
      HydrateFallback: Coming,
      children: [
        {
          path: "/servers",
          loader: prefetchList,
          shouldRevalidate: () => false,
          lazy: () => page(import("@/features/servers/list/ServersPage"), "ServersPage"),
        },
        account,
        {
          path: "/servers/new",
          lazy: () => page(import("@/features/servers/create/CreateServerPage"), "CreateServerPage"),
        },
        {
          path: "/servers/:id",
          loader: prefetchServer,
          lazy: () => page(import("@/features/servers/page/ServerPage"), "ServerPage"),
          children: [
            { index: true, lazy: () => page(import("@/features/servers/page/OverviewTab"), "OverviewTab") },
            { path: "console", lazy: () => page(import("@/features/servers/console/ConsoleTab"), "ConsoleTab") },
            { path: "graphs", lazy: () => page(import("@/features/servers/graphs/GraphsTab"), "GraphsTab") },
            { path: "network", lazy: () => page(import("@/features/servers/network/NetworkTab"), "NetworkTab") },
            { path: "backups", lazy: () => page(import("@/features/servers/copies/BackupsTab"), "BackupsTab") },
            { path: "settings", lazy: () => page(import("@/features/servers/settings/SettingsTab"), "SettingsTab") },
            { path: "operations", lazy: operationsTab },
            { path: "operations/:operation", lazy: operationsTab },
            { path: "staff", lazy: () => page(import("@/features/staff/server/ServerStaffTab"), "ServerStaffTab") },
            { path: "history", lazy: () => page(import("@/features/servers/page/HistoryTab"), "HistoryTab") },
          ],
        },
        staff,
      ],
    },
    { path: "*", Component: NotFound },
  ];
}

/** The pages in front of the door. */
const entrance: RouteObject[] = [
  { path: "/login", loader: signedInAlready, lazy: () => page(import("@/features/session/LoginPage"), "LoginPage") },
  { path: "/password/forgot", lazy: () => page(import("@/features/session/ForgotPage"), "ForgotPage") },
  { path: "/password/reset", lazy: () => page(import("@/features/session/ResetPage"), "ResetPage") },
  {
    path: "/invitations/accept",
    loader: signedInAlready,
    lazy: () => page(import("@/features/session/InvitationPage"), "InvitationPage"),
  },
].map((route) => ({ ...route, ErrorBoundary: RouteFailure, HydrateFallback: Coming }));

const account: RouteObject = {
  path: "/account",
  lazy: () => page(import("@/features/account/AccountPage"), "AccountPage"),
  children: [
    { index: true, lazy: () => page(import("@/features/account/ProfileTab"), "ProfileTab") },
    { path: "members", lazy: () => page(import("@/features/account/MembersTab"), "MembersTab") },
    { path: "security", lazy: () => page(import("@/features/account/SecurityTab"), "SecurityTab") },
    { path: "keys", lazy: () => page(import("@/features/account/KeysTab"), "KeysTab") },
    { path: "tokens", lazy: () => page(import("@/features/account/TokensTab"), "TokensTab") },
    { path: "webhooks/:webhook?", lazy: () => page(import("@/features/webhooks/pages"), "AccountWebhooksTab") },
  ],
};

const catalogue: RouteObject = {
  lazy: () => page(import("@/features/staff/catalogue/CataloguePage"), "CataloguePage"),
  children: [
    { path: "plans", lazy: () => page(import("@/features/staff/catalogue/PlansPage"), "PlansPage") },
    { path: "images", lazy: () => page(import("@/features/staff/catalogue/ImagesPage"), "ImagesPage") },
    { path: "locations", lazy: () => page(import("@/features/staff/catalogue/LocationsPage"), "LocationsPage") },
  ],
};

const staff: RouteObject = {
  path: "/admin",
  lazy: () => page(import("@/features/staff/StaffPage"), "StaffPage"),
  children: [
    { index: true, lazy: () => page(import("@/features/staff/overview/OverviewPage"), "OverviewPage") },
    { path: "operations", lazy: () => page(import("@/features/staff/operations/OperationsPage"), "OperationsPage") },
    { path: "capacity", lazy: () => page(import("@/features/staff/capacity/CapacityPage"), "CapacityPage") },
    catalogue,
    { path: "customers", lazy: () => page(import("@/features/staff/people/CustomersPage"), "CustomersPage") },
    { path: "customers/:id", lazy: () => page(import("@/features/staff/people/CustomerPage"), "CustomerPage") },
    { path: "users", lazy: () => page(import("@/features/staff/people/UsersPage"), "UsersPage") },
    { path: "users/:id", lazy: () => page(import("@/features/staff/people/UserPage"), "UserPage") },
    { path: "drift", lazy: () => page(import("@/features/staff/DriftPage"), "DriftPage") },
    { path: "clusters", lazy: () => page(import("@/features/staff/ClustersPage"), "ClustersPage") },
    { path: "addresses", lazy: () => page(import("@/features/staff/AddressesPage"), "AddressesPage") },
    { path: "health", lazy: () => page(import("@/features/staff/health/HealthPage"), "HealthPage") },
    { path: "time-machine", lazy: () => page(import("@/features/staff/past/TimeMachinePage"), "TimeMachinePage") },
    { path: "webhooks/:webhook?", lazy: () => page(import("@/features/webhooks/pages"), "StaffWebhooksPage") },
    { path: "imports", lazy: () => page(import("@/features/staff/imports/ImportsPage"), "ImportsPage") },
    { path: "imports/:id", lazy: () => page(import("@/features/staff/imports/ImportPage"), "ImportPage") },
  ],
};

const operationsTab = () => page(import("@/features/servers/operations/OperationsTab"), "OperationsTab");

async function page<Name extends string>(module: Promise<Record<Name, () => React.ReactNode>>, name: Name) {
  return { Component: (await module)[name] };
}

async function signedIn({ request }: LoaderFunctionArgs) {
  if (await restore()) return null;
  const { pathname, search } = new URL(request.url);
  return redirect(paths.login(pathname + search));
}

/** Somebody whose cookie still holds need not sign in. When that cannot be found out, they may. */
async function signedInAlready() {
  await restore().catch(() => null);
  return null;
}

/** Goes on with what index.html begins. */
function Coming() {
  return (
    <p className="pt-[20vh]">
      <img src="/favicon.svg" alt="" width={44} height={44} className="mx-auto" />
    </p>
  );
}
