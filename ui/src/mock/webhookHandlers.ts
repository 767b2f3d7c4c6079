import { http, HttpResponse, type HttpHandler } from "msw";
import type { Webhook, WebhookCreate } from "@/api/types";
import type { MockDb } from "./db";
import type { Guard } from "./handlers";

const list = <T>(data: T[]) => HttpResponse.json({ data, page: { limit: 200, next_cursor: null, has_more: false } });
const no = (status: number, code: string, errors: unknown[] = []) =>
  HttpResponse.json({ title: code, detail: code, status, code, request_id: "req_mock", errors }, { status });

/** The routes about webhooks: each account's, and those of staff. */
export function webhookHandlers(db: MockDb, guarded: Guard): HttpHandler[] {
  return ["*/v1/accounts/:id/webhooks", "*/v1/admin/webhooks"].flatMap((base) => under(base, db, guarded));
}

function under(base: string, { webhooks, account }: MockDb, guarded: Guard): HttpHandler[] {
  const parts = (url: URL) => url.pathname.split("/webhooks")[1]!.split("/");
  const ownerOf = (url: URL) => (url.pathname.startsWith("/v1/admin") ? "" : url.pathname.split("/")[3]!);
  const named: (
    answer: (webhook: Webhook, url: URL, request: Request) => Response | Promise<Response>,
  ) => ReturnType<Guard> = (answer) =>
    guarded(({ url, request }) => {
      const webhook = webhooks.list(ownerOf(url)).find(({ id }) => id === parts(url)[1]);
      return webhook ? answer(webhook, url, request) : no(404, "not_found");
    });
  const sent = ({ id }: Webhook, url: URL) => webhooks.deliveries.get(id)!.find((each) => each.id === parts(url)[3])!;
  return [
    http.get(
      base,
      guarded(({ url }) => list(webhooks.list(ownerOf(url)))),
    ),
    http.post(
      base,
      guarded(async ({ url, request }) => {
        if (!account.proved) return no(403, "step_up_required");
        const asked = (await request.json()) as WebhookCreate;
        if (asked.url.includes("127.0.0.1"))
          return no(422, "invalid", [{ pointer: "/url", message: "No public server answers to this name." }]);
        return HttpResponse.json({ ...webhooks.add(ownerOf(url), asked), secret: "whsec_abc" }, { status: 201 });
      }),
    ),
    http.get(
      `${base}/:webhook`,
      named((webhook) => HttpResponse.json(webhook)),
    ),
    http.patch(
      `${base}/:webhook`,
      named(async (webhook, _, request) => {
        Object.assign(webhook, await request.json());
        if (webhook.enabled) webhook.disabled_reason = null;
        return HttpResponse.json(webhook);
      }),
    ),
    http.delete(
      `${base}/:webhook`,
      named(({ id }, url) => {
        webhooks.of.set(
          ownerOf(url),
          webhooks.list(ownerOf(url)).filter((each) => each.id !== id),
        );
        return new HttpResponse(null, { status: 204 });
      }),
    ),
    http.post(
      `${base}/:webhook/secret`,
      named((webhook) => HttpResponse.json({ ...webhook, secret: "whsec_new" })),
    ),
    http.post(
      `${base}/:webhook/ping`,
      named((webhook) => {
        const ping = { type: "webhook.ping", server_id: null, position: null };
        return HttpResponse.json(webhooks.send(webhook, ping));
      }),
    ),
    http.post(
      `${base}/:webhook/replay`,
      named(async (webhook, _, request) => {
        const { after } = (await request.json()) as { after: string | null };
        webhooks.send(webhook, { type: "server.created", message_id: `msg_after_${after}` });
        return HttpResponse.json(webhook, { status: 202 });
      }),
    ),
    http.get(
      `${base}/:webhook/deliveries`,
      named(({ id }, url) => {
        const state = url.searchParams.get("state");
        return list(webhooks.deliveries.get(id)!.filter((each) => !state || each.state === state));
      }),
    ),
    http.get(
      `${base}/:webhook/deliveries/:delivery`,
      named((webhook, url) => HttpResponse.json(sent(webhook, url))),
    ),
    http.post(
      `${base}/:webhook/deliveries/:delivery/redeliver`,
      named((webhook, url) => {
        webhooks.attempt(sent(webhook, url));
        return HttpResponse.json(sent(webhook, url), { status: 202 });
      }),
    ),
  ];
}
