import { http, HttpResponse, type HttpHandler } from "msw";
import type { Account, Invitation, InvitationAccept, MemberRole, User } from "@/api/types";
import { AT } from "./account";
import type { MockDb } from "./db";
import type { Guard } from "./handlers";
import { aMember, type MockAccountKept } from "./people";

const list = <T>(data: T[]) => HttpResponse.json({ data, page: { limit: 200, next_cursor: null, has_more: false } });
const done = () => new HttpResponse(null, { status: 204 });
const no = (status: number, code: string, detail = code, errors: unknown[] = []) =>
  HttpResponse.json({ title: detail, detail, status, code, request_id: "req_mock", errors }, { status });

function shown(
  { members: _members, invitations: _invitations, ...account }: MockAccountKept,
  role: MemberRole,
): Account {
  return { ...account, role };
}

/** The routes under /v1/accounts and /v1/invitations. */
export function peopleHandlers(db: MockDb, guarded: Guard, caller: (request: Request) => User | null): HttpHandler[] {
  const { people } = db;
  const roleOf = ({ members }: MockAccountKept, user: User) => members.find(({ id }) => id === user.id)?.role;
  const opened = (token: string) => people.letters.get(token);
  const named = (url: URL) => people.accounts.find(({ id }) => id === url.pathname.split("/")[3])!;
  const last = (url: URL) => url.pathname.split("/").at(-1)!;
  const managed: Guard = (answer) =>
    guarded((call) =>
      ["owner", "admin"].includes(roleOf(named(call.url), call.user) ?? "") ? answer(call) : no(403, "forbidden"),
    );
  return [
    http.get(
      "*/v1/accounts/:id/members",
      guarded(({ url }) => list(named(url).members)),
    ),
    http.put(
      "*/v1/accounts/:id/members/:user",
      managed(async ({ request, url }) => {
        const member = named(url).members.find(({ id }) => id === last(url))!;
        const owners = named(url).members.filter(({ role }) => role === "owner");
        if (owners.length === 1 && owners[0] === member) return no(409, "not_allowed", "The account's only owner.");
        Object.assign(member, await request.json());
        return HttpResponse.json(member);
      }),
    ),
    http.delete(
      "*/v1/accounts/:id/members/:user",
      guarded(({ url }) => {
        named(url).members = named(url).members.filter(({ id }) => id !== last(url));
        return done();
      }),
    ),
    http.get(
      "*/v1/accounts/:id/invitations",
      managed(({ url }) => list(named(url).invitations)),
    ),
    http.post(
      "*/v1/accounts/:id/invitations",
      managed(async ({ request, url }) => {
        const asked = (await request.json()) as Pick<Invitation, "email" | "role">;
        if (asked.email === "nomail@example.com") return no(409, "no_mail", "This installation sends no letters.");
        people.invite(named(url), asked);
        return HttpResponse.json(named(url).invitations[0], { status: 201 });
      }),
    ),
    http.delete(
      "*/v1/accounts/:id/invitations/:invitation",
      managed(({ url }) => {
        people.withdraw(named(url), last(url));
        return done();
      }),
    ),
    http.post("*/v1/invitations/open", async ({ request }) => {
      const letter = opened(((await request.json()) as { token: string }).token);
      if (!letter) return no(410, "link_expired");
      const { email, role, expires_at } = letter.invitation;
      const offered = { account: letter.account.name, email, role, expires_at, signs_in: email in db.users };
      return HttpResponse.json({ object: "opened_invitation", ...offered });
    }),
    http.post("*/v1/invitations/accept", async ({ request }) => {
      const given = (await request.clone().json()) as InvitationAccept;
      const letter = opened(given.token);
      if (!letter) return no(410, "link_expired");
      const { account, invitation } = letter;
      const user = caller(request) ?? newcomer(db, invitation, given);
      if (user instanceof Response) return user;
      if (roleOf(account, user)) return no(409, "already_exists", "You act for this account already.");
      const { id, email, name } = user;
      account.members.push(aMember({ id, email, name, role: invitation.role }));
      people.withdraw(account, invitation.id);
      return HttpResponse.json({ object: "accepted_invitation", account: shown(account, invitation.role), email });
    }),
    http.get(
      "*/v1/accounts",
      guarded(({ user }) =>
        list(people.accounts.flatMap((each) => (roleOf(each, user) ? [shown(each, roleOf(each, user)!)] : []))),
      ),
    ),
  ];
}

function newcomer(db: MockDb, { email }: Invitation, { name, password }: InvitationAccept): User | Response {
  if (email in db.users) return no(409, "already_exists", `${email} signs in here already.`);
  if (password === "password12") return no(422, "invalid", "No", [{ pointer: "/password", message: "Too easy." }]);
  db.password = password!;
  return (db.users[email] = { id: "usr_9", object: "user", email, name: name!, role: "customer", created_at: AT });
}
