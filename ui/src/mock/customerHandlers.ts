import { http, HttpResponse, type HttpHandler } from "msw";
import type { Server, StaffAccount, StaffAccountDetail, StaffUser, StaffUserDetail, User } from "@/api/types";
import type { components } from "@/api/schema";
import { AT } from "./account";
import type { MockDb } from "./db";
import type { Guard } from "./handlers";
import type { MockAccountKept } from "./people";

type Schemas = components["schemas"];

const list = <T>(data: T[]) => HttpResponse.json({ data, page: { limit: 200, next_cursor: null, has_more: false } });
const done = () => new HttpResponse(null, { status: 204 });
const no = (status: number, code: string, detail = code) =>
  HttpResponse.json({ title: detail, detail, status, code, request_id: "req_mock", errors: [] }, { status });
const ACTING_SECONDS = 900;

function staffUser(db: MockDb, user: User): StaffUser {
  const { id, email, name, role, created_at } = user;
  const disabled = db.people.disabled.has(id);
  return { id, object: "staff_user", email, name, role, login: true, disabled, external_id: null, created_at };
}

function userDetail(db: MockDb, user: User): StaffUserDetail {
  const accounts = db.people.accounts.flatMap(({ id, name, status, members }) => {
    const member = members.find((each) => each.id === user.id);
    return member ? [{ id, name, status, role: member.role }] : [];
  });
  const means = { password_scheme: "argon2id", two_factor: db.otp !== null, api_tokens: 0, last_seen_at: AT };
  return { ...staffUser(db, user), ...means, accounts, sessions: db.people.sessions };
}

function staffAccount({ id, name, status }: MockAccountKept, servers: Server[]): StaffAccount {
  const rest = { email: "ada@example.com", external_id: "whmcs:client:7", created_at: AT };
  return { id, object: "staff_account", name, status, server_count: servers.length, ...rest };
}

function accountDetail(account: MockAccountKept, servers: Server[]): StaffAccountDetail {
  const sum = (size: "vcpus" | "memory_mib" | "disk_gib") => servers.reduce((all, { plan }) => all + plan[size], 0);
  const held = servers.filter(({ suspension }) => suspension);
  return {
    ...staffAccount(account, servers),
    members: account.members.map(({ id, email, name, role }) => ({ id, email, name, role })),
    totals: { by_status: {}, vcpus: sum("vcpus"), memory_mib: sum("memory_mib"), disk_gib: sum("disk_gib") },
    holds: held.map(({ id, name, suspension }) => ({ server: id, name, reasons: suspension!.reasons })),
    servers,
    more_servers: false,
  };
}

/** The routes under /v1/admin about customers and users. */
export function customerHandlers(db: MockDb, guarded: Guard): HttpHandler[] {
  const { people } = db;
  const forStaff: Guard = (answer) =>
    guarded((call) => (call.user.role === "admin" ? answer(call) : no(403, "forbidden", "Only staff may do this.")));
  const proved: Guard = (answer) =>
    forStaff((call) => (db.account.proved ? answer(call) : no(403, "step_up_required")));
  const account = (id: string) => people.accounts.find((each) => each.id === id)!;
  const serversOf = (id: string) =>
    [...db.servers.values()].filter((server) => (db.owners.get(server.id) ?? "acc_1") === id);
  const userOf = (id: string) => Object.values(db.users).find((each) => each.id === id)!;
  const q = (url: URL) => url.searchParams.get("q")?.toLowerCase() ?? "";
  const mass = (type: "suspend" | "unsuspend"): HttpHandler =>
    http.post(
      `*/v1/admin/accounts/:id/${type}`,
      forStaff(async ({ request, url, id, user }) => {
        const { reason, note } = (await request.json()) as Schemas["MassSuspension"];
        const dry_run = url.searchParams.get("dry_run") === "true";
        const outcomes = serversOf(id).map((server) => {
          const refused = server.status === "unlinked" ? "No virtual machine is linked to it." : null;
          const body = { type, reason, note: note ?? "" } as Schemas["Suspend"];
          const operation = refused || dry_run ? null : db.act(server.id, body, user).id;
          return { server: server.id, name: server.name, operation, refused };
        });
        const asked = outcomes.filter(({ refused }) => refused === null).length;
        const counts = { asked, refused: outcomes.length - asked };
        return HttpResponse.json({ object: "mass_result", dry_run, ...counts, outcomes });
      }),
    );
  return [
    http.get(
      "*/v1/admin/accounts",
      forStaff(({ url }) =>
        list(
          people.accounts
            .filter(({ name }) => name.toLowerCase().includes(q(url)))
            .map((each) => staffAccount(each, serversOf(each.id))),
        ),
      ),
    ),
    http.get(
      "*/v1/admin/accounts/:id",
      forStaff(({ id }) => HttpResponse.json(accountDetail(account(id), serversOf(id)))),
    ),
    mass("suspend"),
    mass("unsuspend"),
    http.get(
      "*/v1/admin/accounts/:id/notes",
      forStaff(({ url, id }) => {
        const server = url.searchParams.get("server");
        return list((people.notes.get(id) ?? []).filter((note) => !server || note.server === server));
      }),
    ),
    http.post(
      "*/v1/admin/accounts/:id/notes",
      forStaff(async ({ request, id, user }) => {
        const { text, server } = (await request.json()) as Schemas["NoteNew"];
        const kept = people.notes.get(id) ?? [];
        const author = { id: user.id, name: user.name ?? user.email };
        const made = { id: `nte_${kept.length + 1}`, object: "note", server: server ?? null, text, author } as const;
        const note = { ...made, created_at: AT };
        people.notes.set(id, [note, ...kept]);
        return HttpResponse.json(note, { status: 201 });
      }),
    ),
    http.delete(
      "*/v1/admin/accounts/:id/notes/:note",
      forStaff(({ id, url }) => {
        const left = (people.notes.get(id) ?? []).filter((note) => !url.pathname.endsWith(`/${note.id}`));
        people.notes.set(id, left);
        return done();
      }),
    ),
    http.get(
      "*/v1/admin/accounts/:id/export",
      proved(({ id }) => HttpResponse.json({ object: "account_export", account: account(id) })),
    ),
    http.post(
      "*/v1/admin/accounts/:id/erase",
      proved(({ url, id }) => {
        const dry_run = url.searchParams.get("dry_run") === "true";
        const there = serversOf(id).filter(({ status }) => status !== "terminated");
        const problem = there.length > 0 ? "It still has servers: terminate them." : null;
        if (!dry_run) account(id).name = "(erased)";
        const told = { erased: ["names and e-mail addresses"], kept: ["amounts and dates"] };
        const counts = { users: ["usr_1"], servers: serversOf(id).length };
        return HttpResponse.json({ object: "erasure", dry_run, problem, ...counts, ...told });
      }),
    ),
    http.get(
      "*/v1/admin/users",
      forStaff(({ url }) =>
        list(
          Object.values(db.users)
            .filter(({ email }) => email.includes(q(url)))
            .map((each) => staffUser(db, each)),
        ),
      ),
    ),
    http.get(
      "*/v1/admin/users/:id",
      forStaff(({ id }) => HttpResponse.json(userDetail(db, userOf(id)))),
    ),
    http.post(
      "*/v1/admin/users/:id/disable",
      proved(({ id }) => {
        people.disabled.add(id);
        return HttpResponse.json(userDetail(db, userOf(id)));
      }),
    ),
    http.post(
      "*/v1/admin/users/:id/enable",
      proved(({ id }) => {
        people.disabled.delete(id);
        return HttpResponse.json(userDetail(db, userOf(id)));
      }),
    ),
    http.delete(
      "*/v1/admin/users/:id/sessions",
      forStaff(() => {
        people.sessions = 0;
        return done();
      }),
    ),
    http.delete(
      "*/v1/admin/users/:id/two-factor",
      proved(() => {
        db.otp = null;
        return done();
      }),
    ),
    http.post(
      "*/v1/admin/users/:id/impersonation",
      proved(({ id }) => {
        const user = userOf(id);
        const token = { access_token: `token.${user.email}`, token_type: "Bearer", expires_in: ACTING_SECONDS };
        return HttpResponse.json({ ...token, session: "ses_9", user: staffUser(db, user) }, { status: 201 });
      }),
    ),
    http.delete(
      "*/v1/admin/users/:id/impersonation",
      forStaff(({ id }) => {
        people.actingEnded.push(id);
        return done();
      }),
    ),
  ];
}
