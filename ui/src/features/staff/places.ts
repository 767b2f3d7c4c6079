import { paths } from "@/paths";
import { words } from "@/words";

const { tabs, groups } = words.staff;

export interface Place {
  to: string;
  title: string;
  /** Whether a path is this place itself, not a page below it. */
  is: (pathname: string) => boolean;
  /** How the paths begin that belong to it. */
  begins: readonly string[];
}

const place = (to: string, title: string, ...also: string[]): Place => ({
  to,
  title,
  is: (pathname) => [to, ...also].includes(pathname.replace(/\/$/, "")),
  begins: [to, ...also],
});

const overview = place(paths.admin(), tabs.overview);

/** The pages for staff, by what they are for. */
export const places: readonly (readonly [title: string, places: readonly Place[]])[] = [
  [
    groups.now,
    [
      overview,
      place(paths.adminOperations(), tabs.operations),
      place(paths.adminDrift(), tabs.drift),
      place(paths.adminHealth(), tabs.health),
    ],
  ],
  [
    groups.people,
    [
      place(paths.adminCustomers(), tabs.customers),
      place(paths.adminUsers(), tabs.users),
      place(paths.adminImports(), tabs.imports),
    ],
  ],
  [
    groups.house,
    [
      place(paths.adminClusters(), tabs.clusters),
      place(paths.adminCapacity(), tabs.capacity),
      place(paths.adminPlans(), tabs.catalogue, paths.adminImages(), paths.adminLocations()),
      place(paths.adminWebhooks(), words.webhooks.title),
    ],
  ],
  [groups.past, [place(paths.adminPast(), tabs.past), place(paths.adminAddresses(), tabs.addresses)]],
];

/** The place that a path is, or is below of. */
export function placeOf(pathname: string): Place {
  const all = places.flatMap(([, group]) => group).filter((each) => each !== overview);
  return all.find(({ begins }) => begins.some((begin) => pathname.startsWith(begin))) ?? overview;
}
