import { Outlet, useLocation } from "react-router";
import { useUser } from "@/api/session";
import { useTitle } from "@/lib/hooks";
import { paths } from "@/paths";
import { EmptyState } from "@/ui/EmptyState";
import { Tabs } from "@/ui/Tabs";
import { words } from "@/words";

const { staff } = words;
const tabs = [
  [paths.admin(), staff.tabs.overview],
  [paths.adminOperations(), staff.tabs.operations],
  [paths.adminCapacity(), staff.tabs.capacity],
  [paths.adminCustomers(), staff.tabs.customers],
  [paths.adminUsers(), staff.tabs.users],
  [paths.adminDrift(), staff.tabs.drift],
  [paths.adminClusters(), staff.tabs.clusters],
  [paths.adminPlans(), staff.tabs.catalogue],
  [paths.adminAddresses(), staff.tabs.addresses],
  [paths.adminPast(), staff.tabs.past],
  [paths.adminImports(), staff.tabs.imports],
  [paths.adminWebhooks(), words.webhooks.title],
  [paths.adminHealth(), staff.tabs.health],
] as const;
/** Tabs that stand for pages besides their own, by how the paths of these begin. */
const below = [
  [paths.adminCustomers(), paths.adminCustomers()],
  [paths.adminUsers(), paths.adminUsers()],
  [paths.adminImports(), paths.adminImports()],
  [paths.adminWebhooks(), paths.adminWebhooks()],
  [paths.adminImages(), paths.adminPlans()],
  [paths.adminLocations(), paths.adminPlans()],
] as const;

/** The frame of the pages for staff. Others are told that it is not theirs; the service tells them nothing either. */
export function StaffPage() {
  useTitle(staff.title);
  const { pathname } = useLocation();
  if (useUser()?.role !== "admin") return <EmptyState title={staff.notStaff} help={staff.notStaffHelp} />;
  const also = below.find(([begin]) => pathname.startsWith(begin))?.[1];
  return (
    <div className="grid gap-5">
      <h1 className="text-title font-semibold">{staff.title}</h1>
      <Tabs label={staff.title} tabs={tabs} alsoActive={also} />
      <Outlet />
    </div>
  );
}
