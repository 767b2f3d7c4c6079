import { http, HttpResponse, type HttpHandler } from "msw";
import type { ApiToken, SavedView, SshKey, SshKeyCreate } from "@/api/types";
import { AT } from "./account";
import type { MockDb } from "./db";
import type { Guard } from "./handlers";

const PASSWORD = /^.{10,}$/;

const list = <T>(data: T[]) => HttpResponse.json({ data, page: { limit: 200, next_cursor: null, has_more: false } });
const done = () => new HttpResponse(null, { status: 204 });
const no = (status: number, code: string, errors: unknown[] = []) =>
  HttpResponse.json({ title: code, detail: code, status, code, request_id: "req_mock", errors }, { status });
const codes = () => Array.from({ length: 10 }, (_, n) => `code-${n}`);

/** The routes under /v1/users/me, and the user's SSH keys. */
export function accountHandlers(db: MockDb, guarded: Guard): HttpHandler[] {
  const { account } = db;
  const proved: Guard = (answer) => guarded((call) => (account.proved ? answer(call) : no(403, "step_up_required")));
  const me = "*/v1/users/me";
  return [
    http.patch(
      me,
      guarded(async ({ request, user }) => HttpResponse.json(Object.assign(user, await request.json()))),
    ),
    http.get(
      `${me}/views`,
      guarded(() => list(account.views)),
    ),
    http.post(
      `${me}/views`,
      guarded(async ({ request }) => {
        const asked = (await request.json()) as Pick<SavedView, "name" | "query" | "scope">;
        if (account.views.some(({ name }) => name === asked.name)) return no(409, "already_exists");
        const id = `view_${account.views.length + 1}`;
        account.views.push({ id, object: "saved_view", ...asked, created_at: AT, updated_at: AT });
        return HttpResponse.json(account.views.at(-1), { status: 201 });
      }),
    ),
    http.put(
      `${me}/views/:id`,
      guarded(async ({ request, id }) => {
        const view = account.views.find((each) => each.id === id);
        return view ? HttpResponse.json(Object.assign(view, await request.json())) : no(404, "not_found");
      }),
    ),
    http.delete(
      `${me}/views/:id`,
      guarded(({ id }) => {
        account.views = account.views.filter((each) => each.id !== id);
        return done();
      }),
    ),
    http.put(
      `${me}/password`,
      guarded(async ({ request }) => {
        const given = (await request.json()) as { current_password: string; password: string };
        if (given.current_password !== db.password) return no(401, "invalid_credentials");
        if (!PASSWORD.test(given.password))
          return no(422, "invalid", [{ pointer: "/password", message: "Too short." }]);
        db.password = given.password;
        account.sessions = account.sessions.filter(({ current }) => current);
        return done();
      }),
    ),
    http.post(
      `${me}/proof`,
      guarded(async ({ request }) => {
        account.proved = ((await request.json()) as { password: string }).password === db.password;
        return account.proved ? done() : no(401, "invalid_credentials");
      }),
    ),
    http.get(
      `${me}/sessions`,
      guarded(() => list(account.sessions)),
    ),
    http.delete(
      `${me}/sessions`,
      guarded(() => {
        account.sessions = account.sessions.filter(({ current }) => current);
        return done();
      }),
    ),
    http.delete(
      `${me}/sessions/:id`,
      guarded(({ id }) => {
        account.sessions = account.sessions.filter((each) => each.id !== id);
        return done();
      }),
    ),
    http.get(
      `${me}/two-factor`,
      guarded(() =>
        HttpResponse.json({
          object: "two_factor",
          enabled: db.otp !== null,
          recovery_codes_left: account.codesLeft,
        }),
      ),
    ),
    http.post(
      `${me}/two-factor`,
      proved(() =>
        HttpResponse.json(
          { object: "two_factor_offer", secret: "JBSWY3DP", uri: "otpauth://totp/x?secret=JBSWY3DP" },
          { status: 201 },
        ),
      ),
    ),
    http.post(
      `${me}/two-factor/confirm`,
      proved(async ({ request }) => {
        const { otp } = (await request.json()) as { otp: string };
        if (otp !== "123456") return no(422, "invalid", [{ pointer: "/otp", message: "The code is wrong." }]);
        db.otp = otp;
        account.codesLeft = 10;
        return HttpResponse.json({ object: "recovery_codes", codes: codes() });
      }),
    ),
    http.post(
      `${me}/two-factor/recovery-codes`,
      proved(() => HttpResponse.json({ object: "recovery_codes", codes: codes() })),
    ),
    http.delete(
      `${me}/two-factor`,
      proved(() => {
        db.otp = null;
        return done();
      }),
    ),
    http.get(
      `${me}/tokens`,
      guarded(() => list(account.tokens)),
    ),
    http.post(
      `${me}/tokens`,
      proved(async ({ request }) => {
        const asked = (await request.json()) as Pick<ApiToken, "name" | "scopes" | "networks">;
        const id = `tok_${account.tokens.length + 1}`;
        const unused = { created_at: AT, expires_at: null, last_used_at: null, last_used_from: null };
        const token: ApiToken = { id, object: "api_token", ...asked, ...unused };
        account.tokens.push(token);
        return HttpResponse.json({ ...token, token: `hst_${id}` }, { status: 201 });
      }),
    ),
    http.delete(
      `${me}/tokens/:id`,
      guarded(({ id }) => {
        account.tokens = account.tokens.filter((each) => each.id !== id);
        return done();
      }),
    ),
    http.get(
      "*/v1/ssh-keys",
      guarded(() => list(account.keys)),
    ),
    http.post(
      "*/v1/ssh-keys",
      guarded(async ({ request }) => {
        const asked = (await request.json()) as SshKeyCreate;
        const key: SshKey = {
          id: `key_${account.keys.length + 1}`,
          object: "ssh_key",
          fingerprint: "SHA256:abc",
          created_at: AT,
          ...asked,
        };
        account.keys.push(key);
        return HttpResponse.json(key, { status: 201 });
      }),
    ),
    http.delete(
      "*/v1/ssh-keys/:id",
      guarded(({ id }) => {
        account.keys = account.keys.filter((each) => each.id !== id);
        return done();
      }),
    ),
  ];
}
