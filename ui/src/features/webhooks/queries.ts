import { infiniteQueryOptions, queryOptions, useMutation, useQueryClient } from "@tanstack/react-query";
import { api, unwrap } from "@/api/client";
import type { WebhookChange, WebhookCreate, WebhookDelivery } from "@/api/types";

/** Whose webhooks: an account's by its id, or (null) those of staff, which hear of every account. */
export type Owner = string | null;
export type DeliveryState = WebhookDelivery["state"];

const WATCH_MS = 5_000;
const LISTED = 50;

/** Both have the same calls, under two addresses; a parameter that an address lacks is left out. */
type Base = "/v1/accounts/{id}/webhooks";
const base = (owner: Owner) => (owner === null ? "/v1/admin/webhooks" : "/v1/accounts/{id}/webhooks") as Base;
const at = <More extends object>(owner: Owner, more: More) => ({ params: { path: { id: owner ?? "", ...more } } });

export const webhookQueries = {
  list: (owner: Owner) =>
    queryOptions({
      queryKey: ["webhooks", owner] as const,
      queryFn: async ({ signal }) => (await unwrap(api.GET(base(owner), { ...at(owner, {}), signal }))).data,
    }),
  one: (owner: Owner, webhook: string) =>
    queryOptions({
      queryKey: ["webhooks", owner, webhook] as const,
      queryFn: ({ signal }) => unwrap(api.GET(`${base(owner)}/{webhook}`, { ...at(owner, { webhook }), signal })),
      refetchInterval: WATCH_MS,
    }),
  deliveries: (owner: Owner, webhook: string, state: DeliveryState | null) =>
    infiniteQueryOptions({
      queryKey: ["webhooks", owner, webhook, "deliveries", state] as const,
      initialPageParam: undefined as string | undefined,
      queryFn: ({ pageParam, signal }) => {
        const query = { limit: LISTED, ...(state ? { state } : {}), ...(pageParam ? { cursor: pageParam } : {}) };
        const { params } = at(owner, { webhook });
        return unwrap(api.GET(`${base(owner)}/{webhook}/deliveries`, { params: { ...params, query }, signal }));
      },
      getNextPageParam: (last) => last.page.next_cursor ?? undefined,
      refetchInterval: WATCH_MS,
    }),
  delivery: (owner: Owner, webhook: string, delivery: string) =>
    queryOptions({
      queryKey: ["webhooks", owner, webhook, "delivery", delivery] as const,
      queryFn: ({ signal }) =>
        unwrap(
          api.GET(`${base(owner)}/{webhook}/deliveries/{delivery}`, { ...at(owner, { webhook, delivery }), signal }),
        ),
    }),
};

/** Everything that is done to webhooks. */
export const webhookChanges = {
  make: (owner: Owner, body: WebhookCreate) => unwrap(api.POST(base(owner), { ...at(owner, {}), body })),
  change: (owner: Owner, webhook: string, body: WebhookChange) =>
    unwrap(api.PATCH(`${base(owner)}/{webhook}`, { ...at(owner, { webhook }), body })),
  drop: (owner: Owner, webhook: string) => unwrap(api.DELETE(`${base(owner)}/{webhook}`, at(owner, { webhook }))),
  rotate: (owner: Owner, webhook: string) =>
    unwrap(api.POST(`${base(owner)}/{webhook}/secret`, { ...at(owner, { webhook }), body: { overlap_hours: 24 } })),
  ping: (owner: Owner, webhook: string) => unwrap(api.POST(`${base(owner)}/{webhook}/ping`, at(owner, { webhook }))),
  replay: (owner: Owner, webhook: string, after: string | null) =>
    unwrap(api.POST(`${base(owner)}/{webhook}/replay`, { ...at(owner, { webhook }), body: { after } })),
  redeliver: (owner: Owner, webhook: string, delivery: string) =>
    unwrap(api.POST(`${base(owner)}/{webhook}/deliveries/{delivery}/redeliver`, at(owner, { webhook, delivery }))),
};

/** One of the changes; what is shown is read again before it counts as done. */
export function useWebhookChange<Given, Answer>(change: (given: Given) => Promise<Answer>) {
  const client = useQueryClient();
  return useMutation({ mutationFn: change, onSuccess: () => client.invalidateQueries({ queryKey: ["webhooks"] }) });
}
