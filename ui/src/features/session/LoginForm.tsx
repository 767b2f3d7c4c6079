import { useMutation, useQueryClient } from "@tanstack/react-query";
import { useEffect, useRef, useState } from "react";
import { Link } from "wouter";
import { ApiError, describe, hasStatus } from "@/api/errors";
import { signIn } from "@/api/session";
import { paths } from "@/paths";
import { Button } from "@/ui/Button";
import { Failure } from "@/ui/Failure";
import { Field } from "@/ui/Field";
import { Notice } from "@/ui/Notice";
import { words } from "@/words";
import { EntranceForm } from "./Entrance";
import { ProviderLink, ProviderRefusal } from "./ProviderLink";

/** Signs in; whoever shows it sees by the session that somebody is. `known`: the address, where there is but one. */
export function LoginForm({ known = "" }: { known?: string }) {
  const [email, setEmail] = useState(known);
  const [password, setPassword] = useState("");
  /** Null until the service asks for it: most people have no second factor. */
  const [otp, setOtp] = useState<string | null>(null);
  const asked = otp !== null;
  const code = useRef<HTMLInputElement>(null);
  useEffect(() => (asked ? code.current?.focus() : undefined), [asked]);
  const client = useQueryClient();
  const login = useMutation({
    // Whoever was signed in before in this tab: what they saw is theirs.
    onMutate: () => client.removeQueries(),
    mutationFn: signIn,
    onError: (error) => (asksForCode(error) ? setOtp((typed) => typed ?? "") : undefined),
  });
  const send = () => login.mutate(otp === null ? { email, password } : { email, password, otp });
  return (
    <EntranceForm title={words.session.title} busy={login.isPending} onSend={send}>
      {login.isIdle ? <ProviderRefusal /> : null}
      {login.error && !asksForCode(login.error) ? <LoginFailure error={login.error} withCode={asked} /> : null}
      <Field
        label={words.session.email}
        type="email"
        name="email"
        autoComplete="username"
        required
        value={email}
        onValueChange={setEmail}
      />
      <Field
        label={words.session.password}
        type="password"
        name="password"
        autoComplete="current-password"
        required
        value={password}
        onValueChange={setPassword}
      />
      {otp === null ? null : (
        <Field
          label={words.session.code}
          help={words.session.codeHelp}
          name="otp"
          autoComplete="one-time-code"
          required
          ref={code}
          value={otp}
          onValueChange={setOtp}
        />
      )}
      <Button type="submit" kind="primary" busy={login.isPending}>
        {login.isPending ? words.session.signingIn : words.session.signIn}
      </Button>
      <Link to={paths.forgot()} className="justify-self-start text-accent hover:underline">
        {words.session.forgot.open}
      </Link>
      <ProviderLink />
    </EntranceForm>
  );
}

function asksForCode(error: Error): boolean {
  return error instanceof ApiError && error.problem.code === "otp_required";
}

function LoginFailure({ error, withCode }: { error: Error; withCode: boolean }) {
  const wrong = withCode ? words.session.wrongWithCode : words.session.wrong;
  if (hasStatus(error, 401)) return <Notice tone="bad" urgent title={wrong} />;
  return <Failure title={words.session.failed} {...describe(error)} />;
}
