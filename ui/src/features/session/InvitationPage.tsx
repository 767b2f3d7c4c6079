import { useMutation, useQueryClient } from "@tanstack/react-query";
import { useEffect, useState } from "react";
import { Link } from "wouter";
import { ApiError, describe, hasStatus } from "@/api/errors";
import { acceptInvitation, openInvitation, signIn, signOut, useUser } from "@/api/session";
import type { AcceptedInvitation, Account, InvitationAccept, OpenedInvitation, User } from "@/api/types";
import { useTitle } from "@/lib/hooks";
import { useLocation } from "@/lib/location";
import { paths } from "@/paths";
import { Button, buttonClass } from "@/ui/Button";
import { Failure } from "@/ui/Failure";
import { Field } from "@/ui/Field";
import { Notice } from "@/ui/Notice";
import { Skeleton } from "@/ui/Skeleton";
import { Time } from "@/ui/Time";
import { words } from "@/words";
import { Entrance, EntranceForm } from "./Entrance";
import { LoginForm } from "./LoginForm";

const said = words.invitation;
const LEAST = 10;

/** Accept to act for an account. The token stands behind the #: browsers send that part to no server. */
export function InvitationPage() {
  useTitle(said.title);
  const token = useLocation().hash.slice(1);
  const { mutate, data, error } = useMutation({ mutationFn: openInvitation });
  useEffect(() => (token ? mutate(token) : undefined), [token, mutate]);
  if (!token || hasStatus(error, 410))
    return (
      <Entrance title={said.title}>
        <Over />
      </Entrance>
    );
  return (
    <Entrance>
      {error ? <Failure title={said.openFailed} {...describe(error)} onRetry={() => mutate(token)} /> : null}
      {data ? <Offer token={token} offered={data} /> : null}
      {(data ?? error) ? null : <Skeleton rows={3} label={said.opening} />}
    </Entrance>
  );
}

interface Offered {
  token: string;
  offered: OpenedInvitation;
}

/** Who is signed in accepts; who signs in here does that first; who is new chooses a name and a password. */
function Offer({ token, offered }: Offered) {
  const user = useUser();
  const client = useQueryClient();
  const accept = useMutation({ mutationFn: join, onSuccess: () => client.invalidateQueries() });
  if (accept.data) return <Joined account={accept.data.account} />;
  if (hasStatus(accept.error, 410)) return <Over />;
  if (is(accept.error, "already_exists") && user) return <Already />;
  const known = offered.signs_in || is(accept.error, "already_exists");
  // Somebody new is signed in as the last part of accepting: the form stays until all of it is done.
  const isNew = accept.isPending ? Boolean(accept.variables.password) : !user && !known;
  if (isNew)
    return <Newcomer offered={offered} accept={accept} onAccept={(given) => accept.mutate({ token, ...given })} />;
  if (user) return <Question user={user} offered={offered} accept={accept} onAccept={() => accept.mutate({ token })} />;
  return (
    <>
      <Notice tone="info" title={said.question(nameOf(offered.account))}>
        {said.signInFirst(offered.email)}
      </Notice>
      <LoginForm known={offered.email} />
    </>
  );
}

/** Accepts, and signs in whoever is new. Signing in may fail alone: then it is offered, for they have joined. */
async function join(given: InvitationAccept): Promise<AcceptedInvitation> {
  const answer = await acceptInvitation(given);
  if (given.password) await signIn({ email: answer.email, password: given.password }).catch(() => undefined);
  return answer;
}

const nameOf = (account: string) => account || words.members.unnamed;
const is = (error: unknown, code: string) => error instanceof ApiError && error.problem.code === code;

interface Accepting {
  offered: OpenedInvitation;
  accept: { isPending: boolean; error: unknown };
}

function Question({ user, offered, accept, onAccept }: Accepting & { user: User; onAccept: () => void }) {
  const client = useQueryClient();
  const leave = useMutation({ mutationFn: signOut, onSuccess: () => client.clear() });
  return (
    <EntranceForm title={said.question(nameOf(offered.account))} busy={accept.isPending} onSend={onAccept}>
      <Terms offered={offered} />
      <p className="text-soft wrap-anywhere">
        {said.as(user.email)} {user.email === offered.email ? null : said.otherAddress(offered.email)}
      </p>
      {accept.error ? <Failure title={said.failed} {...describe(accept.error)} /> : null}
      {leave.error ? <Failure title={said.leavingFailed} {...describe(leave.error)} /> : null}
      <Button type="submit" kind="primary" busy={accept.isPending}>
        {accept.isPending ? said.accepting : said.accept}
      </Button>
      <Button kind="quiet" busy={leave.isPending} onClick={() => leave.mutate()}>
        {leave.isPending ? said.leaving : said.notMe}
      </Button>
    </EntranceForm>
  );
}

interface Chosen {
  name: string;
  password: string;
}

function Newcomer({ offered, accept, onAccept }: Accepting & { onAccept: (given: Chosen) => void }) {
  const [name, setName] = useState("");
  const [password, setPassword] = useState("");
  const short = password.length < LEAST ? said.passwordShort : null;
  const missing = name.trim() ? short : said.nameMissing;
  const refused = accept.error instanceof ApiError ? accept.error : null;
  const atField = refused?.field("/name") ?? refused?.field("/password");
  const send = () => (missing ? undefined : onAccept({ name: name.trim(), password }));
  return (
    <EntranceForm title={said.question(nameOf(offered.account))} busy={accept.isPending} onSend={send}>
      <Terms offered={offered} />
      <p className="text-soft wrap-anywhere">{said.newcomer(offered.email)}</p>
      {accept.error && !atField ? <Failure title={said.failed} {...describe(accept.error)} /> : null}
      <input type="email" name="email" autoComplete="username" value={offered.email} readOnly hidden />
      <Field
        label={said.name}
        error={refused?.field("/name")}
        name="name"
        autoComplete="name"
        maxLength={255}
        value={name}
        onValueChange={setName}
      />
      <Field
        label={said.password}
        help={said.passwordHelp}
        error={refused?.field("/password")}
        type="password"
        name="new-password"
        autoComplete="new-password"
        value={password}
        onValueChange={setPassword}
      />
      <Button type="submit" kind="primary" busy={accept.isPending} reason={accept.isPending ? null : missing}>
        {accept.isPending ? said.accepting : said.acceptNew}
      </Button>
    </EntranceForm>
  );
}

function Terms({ offered }: { offered: OpenedInvitation }) {
  const { name, may } = words.members.roles[offered.role];
  return (
    <div className="grid gap-1">
      <p>{said.offered(name)}</p>
      <p className="text-soft">{may}</p>
      <p className="text-small text-soft">
        {said.expires} <Time at={offered.expires_at} />
      </p>
    </div>
  );
}

/** On to what one may see and do now. */
function Joined({ account }: { account: Account }) {
  const signedIn = useUser() !== null;
  const role = account.role ? words.members.roles[account.role].name : "";
  return (
    <>
      <Notice tone="good" urgent title={said.joined}>
        <p>{said.joinedHelp(nameOf(account.name), role)}</p>
        {signedIn ? null : <p>{said.signInNow}</p>}
      </Notice>
      <Onward signedIn={signedIn} />
    </>
  );
}

function Already() {
  return (
    <>
      <Notice tone="info" urgent title={said.already} />
      <Onward signedIn />
    </>
  );
}

function Over() {
  return (
    <>
      <Notice tone="warn" urgent title={said.expired}>
        {said.expiredHelp}
      </Notice>
      <Onward signedIn={useUser() !== null} />
    </>
  );
}

function Onward({ signedIn }: { signedIn: boolean }) {
  return (
    <Link to={signedIn ? paths.servers() : paths.login()} className={buttonClass("primary")}>
      {signedIn ? said.goOn : words.session.signIn}
    </Link>
  );
}
