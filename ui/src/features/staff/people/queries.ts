import { infiniteQueryOptions, queryOptions } from "@tanstack/react-query";
import { api, unwrap } from "@/api/client";
import { actAs } from "@/api/session";
import type { CustomerWanted, Erasure, MassResult, MassSuspension } from "@/api/types";

const LISTED = 50;
const one = (id: string) => ({ params: { path: { id } } });
const dry = (id: string, dry_run: boolean) => ({ params: { path: { id }, query: { dry_run } } });

export type Mass = "suspend" | "unsuspend";

/** Customers and those who sign in, as staff sees them; under the key of all that staff sees. */
export const peopleQueries = {
  accounts: (q: string) =>
    infiniteQueryOptions({
      queryKey: ["staff", "accounts", q] as const,
      initialPageParam: undefined as string | undefined,
      queryFn: ({ pageParam, signal }) => {
        const query = { limit: LISTED, cursor: pageParam, ...(q ? { q } : {}) };
        return unwrap(api.GET("/v1/admin/accounts", { params: { query }, signal }));
      },
      getNextPageParam: (last) => last.page.next_cursor ?? undefined,
    }),
  account: (id: string) =>
    queryOptions({
      queryKey: ["staff", "account", id] as const,
      queryFn: ({ signal }) => unwrap(api.GET("/v1/admin/accounts/{id}", { ...one(id), signal })),
    }),
  /** What staff noted about a customer, or about one of the servers alone. */
  notes: (id: string, server?: string) =>
    queryOptions({
      queryKey: ["staff", "notes", id, server ?? null] as const,
      queryFn: ({ signal }) => {
        const query = server ? { server } : {};
        return unwrap(api.GET("/v1/admin/accounts/{id}/notes", { params: { path: { id }, query }, signal }));
      },
    }),
  users: (q: string) =>
    infiniteQueryOptions({
      queryKey: ["staff", "users", q] as const,
      initialPageParam: undefined as string | undefined,
      queryFn: ({ pageParam, signal }) => {
        const query = { limit: LISTED, cursor: pageParam, ...(q ? { q } : {}) };
        return unwrap(api.GET("/v1/admin/users", { params: { query }, signal }));
      },
      getNextPageParam: (last) => last.page.next_cursor ?? undefined,
    }),
  user: (id: string) =>
    queryOptions({
      queryKey: ["staff", "user", id] as const,
      queryFn: ({ signal }) => unwrap(api.GET("/v1/admin/users/{id}", { ...one(id), signal })),
    }),
  /** What suspending all servers of an account, or lifting that, would come to now. */
  mass: (id: string, type: Mass, reason: MassSuspension["reason"]) =>
    queryOptions({
      queryKey: ["staff", "mass", id, type, reason] as const,
      staleTime: 0,
      queryFn: () => mass(id, type, { reason, note: "" }, true),
    }),
  /** What erasing an account would come to now. */
  erasure: (id: string) =>
    queryOptions({
      queryKey: ["staff", "erasure", id] as const,
      staleTime: 0,
      queryFn: () => erase(id, { confirm: "" }, true),
    }),
};

function mass(id: string, type: Mass, body: MassSuspension, dryRun: boolean): Promise<MassResult> {
  return unwrap(
    type === "suspend"
      ? api.POST("/v1/admin/accounts/{id}/suspend", { ...dry(id, dryRun), body })
      : api.POST("/v1/admin/accounts/{id}/unsuspend", { ...dry(id, dryRun), body }),
  );
}

const erase = (id: string, body: Erasure, dryRun: boolean) =>
  unwrap(api.POST("/v1/admin/accounts/{id}/erase", { ...dry(id, dryRun), body }));

/** What staff can do to customers and users; each answers when the service has done it. */
export const peopleActs = {
  make: (body: CustomerWanted) => unwrap(api.POST("/v1/billing/customers", { body })),
  mass: (id: string, type: Mass, body: MassSuspension) => mass(id, type, body, false),
  erase: (id: string, confirm: string) => erase(id, { confirm }, false),
  export: (id: string) => unwrap(api.GET("/v1/admin/accounts/{id}/export", one(id))),
  writeNote: (id: string, text: string, server?: string) =>
    unwrap(api.POST("/v1/admin/accounts/{id}/notes", { ...one(id), body: { text, ...(server ? { server } : {}) } })),
  removeNote: (id: string, note: string) =>
    unwrap(api.DELETE("/v1/admin/accounts/{id}/notes/{note}", { params: { path: { id, note } } })),
  disable: (id: string, reason: string) =>
    unwrap(api.POST("/v1/admin/users/{id}/disable", { ...one(id), body: { reason } })),
  enable: (id: string) => unwrap(api.POST("/v1/admin/users/{id}/enable", one(id))),
  endSessions: (id: string) => unwrap(api.DELETE("/v1/admin/users/{id}/sessions", one(id))),
  resetTwoFactor: (id: string) => unwrap(api.DELETE("/v1/admin/users/{id}/two-factor", one(id))),
  /** From now on this tab is the customer's. */
  impersonate: async (id: string, reason: string) =>
    actAs(await unwrap(api.POST("/v1/admin/users/{id}/impersonation", { ...one(id), body: { reason } }))),
};
