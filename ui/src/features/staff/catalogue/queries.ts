import { infiniteQueryOptions, queryOptions } from "@tanstack/react-query";
import { api, unwrap } from "@/api/client";
import type { components } from "@/api/schema";

type Schemas = components["schemas"];
export type Plan = Schemas["StaffPlan"];
export type Image = Schemas["StaffImage"];
export type Location = Schemas["StaffLocation"];
export type Item = Plan | Image | Location;
export type Kind = "plan" | "image" | "location";

/** What is offered, page by page; `retired`: what is not, too. */
function listed(retired: boolean, cursor: string | undefined) {
  return { query: { limit: 50, cursor, ...(retired ? {} : { listed: true }) } };
}

const pages = {
  initialPageParam: undefined as string | undefined,
  getNextPageParam: (last: { page: { next_cursor: string | null } }) => last.page.next_cursor ?? undefined,
};

export const shelfQueries = {
  plans: (retired: boolean) =>
    infiniteQueryOptions({
      ...pages,
      queryKey: ["staff", "plans", retired] as const,
      queryFn: ({ pageParam, signal }) =>
        unwrap(api.GET("/v1/admin/plans", { params: listed(retired, pageParam), signal })),
    }),
  images: (retired: boolean) =>
    infiniteQueryOptions({
      ...pages,
      queryKey: ["staff", "images", retired] as const,
      queryFn: ({ pageParam, signal }) =>
        unwrap(api.GET("/v1/admin/images", { params: listed(retired, pageParam), signal })),
    }),
  locations: (retired: boolean) =>
    infiniteQueryOptions({
      ...pages,
      queryKey: ["staff", "locations", retired] as const,
      queryFn: ({ pageParam, signal }) =>
        unwrap(api.GET("/v1/admin/locations", { params: listed(retired, pageParam), signal })),
    }),
  one: (kind: Kind, id: string) =>
    queryOptions({
      queryKey: ["staff", kind, id] as const,
      queryFn: ({ signal }): Promise<Item> => {
        const asked = { params: { path: { id } }, signal };
        if (kind === "plan") return unwrap(api.GET("/v1/admin/plans/{id}", asked));
        if (kind === "image") return unwrap(api.GET("/v1/admin/images/{id}", asked));
        return unwrap(api.GET("/v1/admin/locations/{id}", asked));
      },
    }),
};

const at = ({ id, version }: Item) => ({ path: { id }, header: { "If-Match": `"${version}"` } });

/** What staff do with the catalogue; a change is refused when somebody else was faster. */
export const shelfActs = {
  createPlan: (body: Schemas["PlanNew"]) => unwrap(api.POST("/v1/admin/plans", { body })),
  createImage: (body: Schemas["ImageNew"]) => unwrap(api.POST("/v1/admin/images", { body })),
  createLocation: (body: Schemas["LocationNew"]) => unwrap(api.POST("/v1/admin/locations", { body })),
  changePlan: (item: Plan, body: Schemas["PlanChange"]) =>
    unwrap(api.PATCH("/v1/admin/plans/{id}", { params: at(item), body })),
  changeImage: (item: Image, body: Schemas["ImageChange"]) =>
    unwrap(api.PATCH("/v1/admin/images/{id}", { params: at(item), body })),
  changeLocation: (item: Location, body: Schemas["LocationChange"]) =>
    unwrap(api.PATCH("/v1/admin/locations/{id}", { params: at(item), body })),
  offer: (kind: Kind, item: Item, on: boolean, reason: string | null): Promise<Item> => {
    const asked = { params: at(item), body: { reason } };
    const verb = on ? "restore" : "retire";
    if (kind === "plan") return unwrap(api.POST(`/v1/admin/plans/{id}/${verb}`, asked));
    if (kind === "image") return unwrap(api.POST(`/v1/admin/images/{id}/${verb}`, asked));
    return unwrap(api.POST(`/v1/admin/locations/{id}/${verb}`, asked));
  },
};
