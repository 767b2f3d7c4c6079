import { http, HttpResponse, type HttpHandler } from "msw";
import type { Problem, Server, ServerAction, ServerCreate, User } from "@/api/types";
import { allowed, type Action } from "@/features/servers/actions";
import type { components } from "@/api/schema";
import type { Asked, MockDb, Pushed } from "./db";
import { accountHandlers } from "./accountHandlers";
import { customerHandlers } from "./customerHandlers";
import { peopleHandlers } from "./peopleHandlers";
import { staffHandlers } from "./staffHandlers";
import { webhookHandlers } from "./webhookHandlers";
import { admin, images, locations, plans } from "./fixtures";

type Schemas = components["schemas"];

const TOKEN_SECONDS = 900;
/** An hour of somebody's web shop; for five minutes nothing was measured. */
function measured(timeframe: string) {
  const wave = (n: number, most: number) => Math.round(most * (0.55 + 0.4 * Math.sin(n / 5) + 0.05 * Math.cos(n * 3)));
  const data = Array.from({ length: 60 }, (_, n) => {
    const gone = n >= 20 && n < 25;
    const value = (most: number) => (gone ? null : wave(n, most));
    return {
      t: new Date(Date.now() - (60 - n) * 60_000).toISOString(),
      cpu: gone ? null : wave(n, 1_000) / 2_000,
      memory: value(2 ** 31),
      disk_read: value(40_000),
      disk_write: value(900_000),
      net_in: value(300_000),
      net_out: value(2_000_000),
    };
  });
  return { object: "metrics", timeframe, step: 60, data };
}

export const MADE_UP = "correct-horse-battery";

function problem(status: number, code: string, title: string, more: Partial<Problem> = {}) {
  const body: Problem = {
    type: `https://hostler.example/problems/${code}`,
    title,
    status,
    code,
    detail: title,
    instance: "",
    retryable: false,
    errors: [],
    blocking_operation: null,
    request_id: "req_mock",
    ...more,
  };
  return HttpResponse.json(body, { status, headers: { "Content-Type": "application/problem+json" } });
}

function page<T>(rows: T[], url: URL) {
  const limit = Number(url.searchParams.get("limit") ?? 50);
  const from = Number(url.searchParams.get("cursor") ?? 0);
  const more = from + limit < rows.length;
  return HttpResponse.json({
    data: rows.slice(from, from + limit),
    page: { limit, next_cursor: more ? String(from + limit) : null, has_more: more },
  });
}

/** The cookie by which scripts learn that there is one which they cannot see. */
export const hint = (signedIn: boolean) => `hostler_signed_in=1; Path=/; Max-Age=${signedIn ? TOKEN_SECONDS : 0}`;

/** Tokens and cookies name their user; the cookie is a variable here, for scripts cannot see the real one either. */
export class MockSession {
  user: User | null = null;

  constructor(user: User | null = null) {
    this.user = user;
  }

  answer(user: User) {
    this.user = user;
    const answer = { access_token: `token.${user.email}`, token_type: "Bearer", expires_in: TOKEN_SECONDS, user };
    return HttpResponse.json(answer, { headers: { "Set-Cookie": hint(true) } });
  }

  caller(request: Request, db: MockDb): User | null {
    const token = request.headers.get("Authorization")?.replace("Bearer token.", "");
    return (this.user && token && db.users[token]) || null;
  }
}

const unauthorized = () => problem(401, "unauthorized", "Sign in first");
const notFound = () => problem(404, "not_found", "There is no such thing");

function shown(server: Server, user: User, db: MockDb): Server {
  const vmid = Number.parseInt(server.id.slice(-8), 16) + 100;
  const mode = db.staff.observed.has(server.id) ? ("observe" as const) : ("manage" as const);
  const since = server.suspension?.since ?? "";
  const reasons = server.suspension?.reasons ?? [];
  const holds = reasons.map((reason) => ({ reason, note: db.staff.notes.get(`${server.id} ${reason}`) ?? "", since }));
  const staff = { cluster: "demo", node: "pve1", vmid, owner: db.owners.get(server.id) ?? "acc_1", mode, holds };
  return user.role === "admin" ? { ...server, admin: staff } : server;
}

function matching(db: MockDb, url: URL): Server[] {
  const q = url.searchParams.get("q")?.toLowerCase();
  const status = url.searchParams.get("status");
  const account = url.searchParams.get("account");
  const sort = url.searchParams.get("sort") ?? "-created_at";
  const field = sort.replace("-", "") as "name" | "created_at";
  const found = [...db.servers.values()]
    .filter((server) => !account || (db.owners.get(server.id) ?? "acc_1") === account)
    .filter((server) => !status || server.status === status)
    .filter(
      (server) =>
        !q || [server.name, ...server.ips.map((ip) => ip.address)].some((text) => text.toLowerCase().includes(q)),
    )
    .toSorted((a, b) => a[field].localeCompare(b[field]));
  return sort.startsWith("-") ? found.toReversed() : found;
}

const TAKEN = {
  detail: "Choose another name.",
  errors: [{ pointer: "/name", code: "taken", message: "You have a server of this name already." }],
};

function orderErrors(order: ServerCreate, db: MockDb): NonNullable<Problem["errors"]> {
  const taken = [...db.servers.values()].some((server) => server.name === order.name);
  return taken ? TAKEN.errors : [];
}

function eventStream(db: MockDb, after: string | null): ReadableStream<Uint8Array> {
  const encoder = new TextEncoder();
  let listener: (pushed: Pushed) => void;
  return new ReadableStream({
    start(controller) {
      listener = ({ id, event, data }) =>
        controller.enqueue(encoder.encode(`id: ${id}\nevent: ${event}\ndata: ${JSON.stringify(data)}\n\n`));
      controller.enqueue(encoder.encode(": hello\n\n"));
      if (after) db.log.slice(db.log.findIndex((pushed) => pushed.id === after) + 1).forEach(listener);
      db.listeners.add(listener);
    },
    cancel() {
      db.listeners.delete(listener);
    },
  });
}

interface Call {
  request: Request;
  url: URL;
  user: User;
  id: string;
}

/** Lets only somebody signed in through to an answer. */
export type Guard = (
  answer: (call: Call) => Response | Promise<Response>,
) => (request: { request: Request; params: Record<string, unknown> }) => Promise<Response>;

/** The service's routes over a database in memory. */
export function handlers(db: MockDb, session: MockSession): HttpHandler[] {
  const guarded: Guard =
    (answer) =>
    async ({ request, params }) => {
      const user = session.caller(request, db);
      return user ? answer({ request, url: new URL(request.url), user, id: String(params["id"]) }) : unauthorized();
    };
  const act = (id: string, ask: Asked, user: User): Response => {
    const server = db.servers.get(id);
    if (!server) return notFound();
    if (server.current_operation) return problem(409, "operation_in_progress", "Another operation is in progress");
    const here: readonly string[] = allowed[ask.type as Action] ?? [...allowed.rebuild, "suspended"];
    if (!here.includes(server.status)) return problem(409, "conflict", `Not possible while ${server.status}`);
    if (ask.type === "rename" && ask.name === "taken") return problem(422, "validation", "Mistakes", TAKEN);
    const madeUp = ask.type === "reset_password" && !ask.password && !ask.ssh_key_ids;
    if (ask.type === "suspend") db.staff.notes.set(`${id} ${ask.reason}`, ask.note ?? "");
    const answer = { operation: db.act(id, ask, user), ...(madeUp ? { password: MADE_UP } : {}) };
    return HttpResponse.json(answer, { status: 202 });
  };
  const end = ({ type, operation }: Schemas["End"]): Response =>
    HttpResponse.json({ operation: type === "retry" ? db.retry(operation!) : db.cancel(operation!) }, { status: 202 });
  return [
    ...staffHandlers(db, guarded),
    ...accountHandlers(db, guarded),
    ...webhookHandlers(db, guarded),
    ...customerHandlers(db, guarded),
    ...peopleHandlers(db, guarded, (request) => session.caller(request, db)),
    http.post("*/v1/login", async ({ request }) => {
      const { email, password, otp } = (await request.json()) as { email: string; password: string; otp?: string };
      const user = db.users[email];
      if (!user || password !== db.password) return problem(401, "invalid_credentials", "Wrong email or password");
      if (db.otp && !otp) return problem(401, "otp_required", "A code is needed");
      return db.otp && otp !== db.otp ? problem(401, "invalid_credentials", "The code is wrong") : session.answer(user);
    }),
    http.get("*/v1/oidc", () => HttpResponse.json({ object: "sign_in_provider", name: null })),
    http.post("*/v1/password/forgot", async ({ request }) => {
      db.letters.push(((await request.json()) as { email: string }).email);
      return new HttpResponse(null, { status: 202 });
    }),
    http.post("*/v1/password/reset", async ({ request }) => {
      const { token, password } = (await request.json()) as { token: string; password: string };
      if (token !== db.resetToken) return problem(410, "link_expired", "The link holds no more");
      db.password = password;
      return new HttpResponse(null, { status: 204 });
    }),
    http.post("*/v1/token/refresh", () => (session.user ? session.answer(session.user) : unauthorized())),
    http.post("*/v1/logout", () => {
      session.user = null;
      return new HttpResponse(null, { status: 204, headers: { "Set-Cookie": hint(false) } });
    }),
    http.get(
      "*/v1/users/me",
      guarded(({ user }) => HttpResponse.json(user)),
    ),
    http.get(
      "*/v1/plans",
      guarded(({ url }) => page(plans, url)),
    ),
    http.get(
      "*/v1/images",
      guarded(({ url }) => page(images, url)),
    ),
    http.get(
      "*/v1/locations",
      guarded(({ url }) => page(locations, url)),
    ),
    http.get(
      "*/v1/servers",
      guarded(({ url, user }) => {
        const own = url.searchParams.get("scope") === "all" || user !== admin;
        return page(own ? matching(db, url).map((server) => shown(server, user, db)) : [], url);
      }),
    ),
    http.post(
      "*/v1/servers",
      guarded(async ({ request, url, user }) => {
        const order = (await request.json()) as ServerCreate;
        const errors = orderErrors(order, db);
        if (errors.length > 0)
          return problem(422, "validation", "The order has mistakes", { detail: "Choose another name.", errors });
        if (url.searchParams.get("dry_run") === "true") return HttpResponse.json({ fits: true, dry_run: true });
        return HttpResponse.json(db.create(order, user), { status: 202 });
      }),
    ),
    http.get(
      "*/v1/servers/:id",
      guarded(({ id, user }) => {
        const server = db.servers.get(id);
        return server ? HttpResponse.json(shown(server, user, db)) : notFound();
      }),
    ),
    http.get(
      "*/v1/servers/:id/metrics",
      guarded(({ url }) => HttpResponse.json(measured(url.searchParams.get("timeframe") ?? "hour"))),
    ),
    http.patch(
      "*/v1/servers/:id",
      guarded(async ({ request, id, user }) => {
        const { labels, protection } = (await request.json()) as Schemas["ServerChange"];
        const changes = { ...(labels ? { labels } : {}), ...(protection ? { protection } : {}) };
        return HttpResponse.json(shown(db.change(id, changes), user, db));
      }),
    ),
    http.delete(
      "*/v1/servers/:id",
      guarded(({ id, user }) => act(id, { type: "terminate" }, user)),
    ),
    http.post(
      "*/v1/servers/:id/actions",
      guarded(async ({ request, id, user }) => {
        const ask = (await request.json()) as ServerAction;
        return ask.type === "retry" || ask.type === "cancel" ? end(ask as Schemas["End"]) : act(id, ask, user);
      }),
    ),
    http.get(
      "*/v1/servers/:id/actions",
      guarded(({ id, url }) =>
        page([...db.operations.values()].filter((operation) => operation.resource.id === id).toReversed(), url),
      ),
    ),
    http.get(
      "*/v1/servers/:id/snapshots",
      guarded(({ id, url }) => page(db.snapshots.get(id) ?? [], url)),
    ),
    http.get(
      "*/v1/servers/:id/backups",
      guarded(({ id, url }) => page(db.backups.get(id) ?? [], url)),
    ),
    http.get(
      "*/v1/servers/:id/history",
      guarded(({ id, url }) => page(db.history.get(id) ?? [], url)),
    ),
    http.get(
      "*/v1/operations/:id",
      guarded(({ id }) => {
        const operation = db.operations.get(id);
        return operation ? HttpResponse.json(operation) : notFound();
      }),
    ),
    http.get(
      "*/v1/events",
      guarded(
        ({ request }) =>
          new HttpResponse(eventStream(db, request.headers.get("Last-Event-ID")), {
            headers: { "Content-Type": "text/event-stream" },
          }),
      ),
    ),
  ];
}
