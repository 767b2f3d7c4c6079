import { http, HttpResponse, type HttpHandler } from "msw";
import type { components } from "@/api/schema";
import type { Guard } from "./handlers";

type Schemas = components["schemas"];
type Item = Schemas["StaffPlan"] | Schemas["StaffImage"] | Schemas["StaffLocation"];

const common = {
  position: 0,
  listed: true,
  origin: "staff" as const,
  version: 1,
  updated_at: "2026-11-01T10:00:00Z",
  updated_by: { id: "usr_2", name: "Root" },
  reason: null,
  in_use: null,
};

/** What is sold, as staff have it. */
export class MockShelf {
  plans: Schemas["StaffPlan"][] = [
    aPlan({ id: "pln_f", key: "small", name: "Small", origin: "file", updated_by: null }),
    aPlan({ id: "pln_s", key: "tiny", name: "Tiny", memory_mib: 512, disk_gib: 5, reason: "asked for by many" }),
    aPlan({ id: "pln_i", key: "whmcs-12", name: "Starter 2019", origin: "import", listed: false, updated_by: null }),
  ];
  images: Schemas["StaffImage"][] = [
    anImage({
      id: "img_f",
      key: "debian-12",
      name: "Debian 12",
      template: "debian-12",
      origin: "file",
      updated_by: null,
    }),
    anImage({ templates: [{ cluster: "demo", node: "pve1", vmid: 9100 }] }),
  ];
  locations: Schemas["StaffLocation"][] = [
    aLocation({ id: "loc_f", key: "fra1", name: "Frankfurt", origin: "file", updated_by: null }),
    aLocation(),
  ];
  /** What every item answers when it is asked who has it. */
  inUse: Schemas["InUse"] = { servers: 0, waiting: 0 };
}

export function aPlan(changes: Partial<Schemas["StaffPlan"]> = {}): Schemas["StaffPlan"] {
  const size = { vcpus: 1, memory_mib: 1024, disk_gib: 10, snapshots: 3, backups: 3 };
  return { ...common, id: "pln_1", object: "staff_plan", key: "plan", name: "Plan", ...size, ...changes };
}

export function anImage(changes: Partial<Schemas["StaffImage"]> = {}): Schemas["StaffImage"] {
  const templates = [{ cluster: "demo", node: null, vmid: 9000 }];
  const made = { key: "rocky", name: "Rocky 9", template: "rocky", templates, default_user: "rocky", min_disk_gib: 4 };
  return { ...common, id: "img_1", object: "staff_image", ...made, ...changes };
}

export function aLocation(changes: Partial<Schemas["StaffLocation"]> = {}): Schemas["StaffLocation"] {
  const made = { key: "par1", name: "Paris", clusters: ["demo"], pools: ["fra1-v4"] };
  return { ...common, id: "loc_1", object: "staff_location", ...made, ...changes };
}

/** The routes under which staff change what is sold. */
export function shelfHandlers(shelf: MockShelf, forStaff: Guard): HttpHandler[] {
  return [
    ...handlersOf("plans", shelf.plans, aPlan, shelf, forStaff),
    ...handlersOf("images", shelf.images, anImage, shelf, forStaff),
    ...handlersOf("locations", shelf.locations, aLocation, shelf, forStaff),
  ];
}

function handlersOf<T extends Item>(
  name: string,
  items: T[],
  make: (changes: Partial<T>) => T,
  shelf: MockShelf,
  forStaff: Guard,
): HttpHandler[] {
  const path = `*/v1/admin/${name}`;
  const answer = (item: T) => HttpResponse.json({ ...item, in_use: shelf.inUse });
  const change = (id: string, changes: Partial<T>) => {
    const at = items.findIndex((item) => item.id === id);
    items[at] = { ...items[at]!, ...changes, version: items[at]!.version + 1 };
    return answer(items[at]);
  };
  const given = (body: object) => Object.fromEntries(Object.entries(body).filter(([, value]) => value !== null));
  return [
    http.get(
      path,
      forStaff(({ url }) => {
        const data = items.filter((item) => item.listed || url.searchParams.get("listed") !== "true");
        return HttpResponse.json({ data, page: { limit: 50, next_cursor: null, has_more: false } });
      }),
    ),
    http.post(
      path,
      forStaff(async ({ request }) => {
        const item = make({ ...given((await request.json()) as object), id: `new_${items.length}` } as Partial<T>);
        items.push(item);
        return answer(item);
      }),
    ),
    http.get(
      `${path}/:id`,
      forStaff(({ id }) => answer(items.find((item) => item.id === id)!)),
    ),
    http.patch(
      `${path}/:id`,
      forStaff(async ({ request, id }) => change(id, given((await request.json()) as object) as Partial<T>)),
    ),
    http.post(
      `${path}/:id/retire`,
      forStaff(({ id }) => change(id, { listed: false } as Partial<T>)),
    ),
    http.post(
      `${path}/:id/restore`,
      forStaff(({ id }) => change(id, { listed: true } as Partial<T>)),
    ),
  ];
}
