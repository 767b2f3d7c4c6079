import { http, HttpResponse, type HttpHandler } from "msw";
import type { Account, Invitation, InvitationAccept, MemberRole, User } from "@/api/types";
import { AT } from "./account";
import type { MockDb } from "./db";
import type { Guard } from "./handlers";
import { aMember, type MockAccountKept } from "./people";

const list = <T>(data: T[]) => HttpResponse.json({ data, page: { limit: 200, next_cursor: null, has_more: false } });
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
  return [
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
