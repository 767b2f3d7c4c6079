import { useSyncExternalStore } from "react";
import { send, toApiError } from "./errors";
import type {
  AcceptedInvitation,
  Credentials,
  Impersonation,
  InvitationAccept,
  OpenedInvitation,
  Session,
  SignInProvider,
  User,
} from "./types";

/** Who is signed in. The access token lives in memory only; the refresh token is a cookie no script can read. */
interface State {
  token: string | null;
  user: User | null;
  /** False until the refresh cookie has been tried: only then is nobody signed in for certain. */
  known: boolean;
  /** They left on purpose: no place to keep for whoever signs in next. */
  left: boolean;
  /** Staff who act as the user of now, and until when (ms). */
  acting: { staff: User; until: number } | null;
}

const UNKNOWN: State = { token: null, user: null, known: false, left: false, acting: null };
const SIGNED_OUT: State = { ...UNKNOWN, known: true };
const REFRESH_BEFORE_EXPIRY = 0.8;

let state = UNKNOWN;
let refreshing: Promise<void> | null = null;
let timer: ReturnType<typeof setTimeout> | undefined;
const listeners = new Set<() => void>();

const switches = new Set<() => void>();
const departures = new Set<() => void>();
let leaving: Promise<void> | null = null;

function become(next: State): void {
  if (state.user && next.user && state.user.id !== next.user.id) for (const forget of switches) forget();
  state = next;
  for (const listener of listeners) listener();
}

function begin(session: Session): void {
  clearTimeout(timer);
  // A refresh that fails here is not the end: the next request finds its token refused and tries again.
  timer = setTimeout(() => void refresh().catch(() => undefined), session.expires_in * 1000 * REFRESH_BEFORE_EXPIRY);
  become({ token: session.access_token, user: session.user, known: true, left: false, acting: null });
}

function end(left: boolean): void {
  clearTimeout(timer);
  become({ ...SIGNED_OUT, left });
}

function jsonRequest(path: string, body: unknown): Request {
  const url = new URL(path, window.location.origin);
  const headers: HeadersInit = { "Content-Type": "application/json" };
  return new Request(url, { method: "POST", credentials: "include", headers, body: JSON.stringify(body) });
}

function post(path: string, body: unknown = {}): Promise<Response> {
  return send(jsonRequest(path, body));
}

async function start(response: Response): Promise<void> {
  const body: unknown = await response.json().catch(() => null);
  if (!response.ok) throw toApiError(body, response);
  begin(body as Session);
}

async function rotate(): Promise<void> {
  const response = await post("/v1/token/refresh");
  if (response.status === 401) end(false);
  await start(response);
}

/** A new access token for the refresh cookie; callers at the same time share one request. */
export function refresh(): Promise<void> {
  refreshing ??= rotate().finally(() => {
    refreshing = null;
  });
  return refreshing;
}

/** Sign in. Throws ApiError (`invalid_credentials`, `otp_required`, `rate_limited`) or Unreachable. */
export async function signIn(credentials: Credentials): Promise<void> {
  await start(await post("/v1/login", credentials));
}

async function accepted(response: Response): Promise<void> {
  if (!response.ok) throw toApiError(await response.json().catch(() => null), response);
}

/** What the provider is called by which staff may sign in; null where there is none. */
export async function signInProvider(): Promise<string | null> {
  const response = await send(new Request(new URL("/v1/oidc", window.location.origin)));
  await accepted(response);
  return ((await response.json()) as SignInProvider).name;
}

/** Ask for a letter with a link; the answer does not tell whether anybody has the address. */
export async function askForReset(email: string): Promise<void> {
  await accepted(await post("/v1/password/forgot", { email }));
}

/** Choose a new password with the token of a letter's link. Throws ApiError (`link_expired`, `invalid`). */
export async function resetPassword(given: { token: string; password: string }): Promise<void> {
  await accepted(await post("/v1/password/reset", given));
}

/** What the link of an invitation offers. Throws ApiError (`link_expired`). */
export async function openInvitation(token: string): Promise<OpenedInvitation> {
  const response = await post("/v1/invitations/open", { token });
  await accepted(response);
  return (await response.json()) as OpenedInvitation;
}

/** Accept an invitation as who is signed in; else as somebody new. Throws ApiError (`link_expired`, `invalid`). */
export async function acceptInvitation(given: InvitationAccept): Promise<AcceptedInvitation> {
  const path = "/v1/invitations/accept";
  const response = state.user ? await authorizedFetch(jsonRequest(path, given)) : await post(path, given);
  await accepted(response);
  return (await response.json()) as AcceptedInvitation;
}

/** From now on this tab is the customer's, for as long as the token is good. The cookie stays that of staff. */
export function actAs({ access_token, expires_in, user }: Impersonation): void {
  const staff = state.acting?.staff ?? state.user;
  if (!staff) throw new Error("only staff act as somebody");
  clearTimeout(timer);
  timer = setTimeout(() => void stopActing().catch(() => undefined), expires_in * 1000);
  const { id, email, name, role, created_at } = user;
  const shown: User = { id, object: "user", email, name, role, created_at };
  become({ ...SIGNED_OUT, token: access_token, user: shown, acting: { staff, until: Date.now() + expires_in * 1000 } });
}

/** Staff are themselves again, by their cookie; the token of the customer is ended. Throws when nobody answers. */
export async function stopActing(): Promise<void> {
  const customer = state.acting && state.user;
  if (!customer) return;
  await refresh();
  const url = new URL(`/v1/admin/users/${customer.id}/impersonation`, window.location.origin);
  // It is gone from this page; untold, the service ends it when its time is over.
  await authorizedFetch(new Request(url, { method: "DELETE" })).catch(() => undefined);
}

/** Sign out, here and on the server. Throws when the server could not be told, for then the cookie still works. */
export function signOut(): Promise<void> {
  leaving ??= leave().finally(() => {
    leaving = null;
  });
  for (const hush of departures) hush();
  return leaving;
}

/** Whether they have signed out here; while they are about to, it waits until that is known. */
export async function hasSignedOut(): Promise<boolean> {
  await leaving?.catch(() => undefined);
  return state.left;
}

/** Calls back when somebody is about to sign out: what listens should fall silent before the session is over. */
export function onLeaving(hush: () => void): () => void {
  departures.add(hush);
  return () => departures.delete(hush);
}

async function leave(): Promise<void> {
  await stopActing();
  const response = await authorizedFetch(
    new Request(new URL("/v1/logout", window.location.origin), { method: "POST" }),
  );
  if (!response.ok && response.status !== 401) {
    throw toApiError(await response.json().catch(() => null), response);
  }
  end(true);
}

/** The signed-in user, after trying the refresh cookie. Null: nobody is. */
export async function restore(): Promise<User | null> {
  if (!state.known && !mayHaveSession()) become(SIGNED_OUT);
  if (!state.known) await refresh().catch(rethrowUnlessSignedOut);
  return state.user;
}

/** The refresh cookie is hidden from scripts; this one, set and taken away with it, is not. */
function mayHaveSession(): boolean {
  return document.cookie.split("; ").includes("hostler_signed_in=1");
}

function rethrowUnlessSignedOut(error: unknown): void {
  if (!(error instanceof Error && "status" in error && error.status === 401)) throw error;
}

function withToken(request: Request): Promise<Response> {
  const authorized = request.clone();
  if (state.token) authorized.headers.set("Authorization", `Bearer ${state.token}`);
  return send(authorized);
}

/** `fetch` as the signed-in user: a refused token is refreshed once. Throws ApiError 401 when the session is over. */
export async function authorizedFetch(request: Request): Promise<Response> {
  if (!state.token) await refresh();
  const { token: used, user: asWhom } = state;
  const response = await withToken(request);
  if (response.status !== 401) return response;
  if (state.token === used) await (state.acting ? stopActing() : refresh());
  // What was asked as one user is never done as another.
  return state.user?.id === asWhom?.id ? withToken(request) : response;
}

/** Calls back before another user takes the place of the one of now: what was shown to one is not for the other. */
export function onSwitch(forget: () => void): void {
  switches.add(forget);
}

function subscribe(listener: () => void): () => void {
  listeners.add(listener);
  return () => listeners.delete(listener);
}

/** Whether nobody is signed in because they signed out here. */
export function hasLeft(): boolean {
  return state.left;
}

export function useUser(): User | null {
  const read = () => state.user;
  return useSyncExternalStore(subscribe, read, read);
}

/** Who acts as the user of now, and until when; null: they do it themselves. */
export function useActing(): State["acting"] {
  return useSyncExternalStore(subscribe, () => state.acting);
}

/** As after loading the page: whoever has a refresh cookie will be signed in by it. */
export function forgetSession(): void {
  clearTimeout(timer);
  refreshing = null;
  become(UNKNOWN);
}
