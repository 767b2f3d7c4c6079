import { useMutation, useQueryClient } from "@tanstack/react-query";
import { useState } from "react";
import { Navigate, useNavigate, useSearchParams } from "react-router";
import { describe, hasStatus } from "@/api/errors";
import { signIn, useUser } from "@/api/session";
import { useTitle } from "@/lib/hooks";
import { safeNext } from "@/paths";
import { Button } from "@/ui/Button";
import { Failure } from "@/ui/Failure";
import { Field } from "@/ui/Field";
import { Notice } from "@/ui/Notice";
import { words } from "@/words";

export function LoginPage() {
  useTitle(words.session.title);
  const [params] = useSearchParams();
  const target = safeNext(params.get("next"));
  if (useUser()) return <Navigate to={target} replace />;
  return (
    <main className="mx-auto grid min-h-dvh w-full max-w-sm content-center gap-6 px-4 py-10">
      <p className="flex items-center gap-2.5 text-large font-semibold">
        <img src="/favicon.svg" alt="" width={28} height={28} />
        {words.product}
      </p>
      <LoginForm target={target} />
    </main>
  );
}

function LoginForm({ target }: { target: string }) {
  const navigate = useNavigate();
  const [email, setEmail] = useState("");
  const [password, setPassword] = useState("");
  const client = useQueryClient();
  const login = useMutation({
    // Whoever was signed in before in this tab: what they saw is theirs.
    onMutate: () => client.removeQueries(),
    mutationFn: signIn,
    onSuccess: () => navigate(target, { replace: true }),
  });
  return (
    <form
      className="card grid gap-5 p-6"
      onSubmit={(event) => {
        event.preventDefault();
        if (!login.isPending) login.mutate({ email, password });
      }}
    >
      <h1 className="text-title font-semibold">{words.session.title}</h1>
      {login.error ? <LoginFailure error={login.error} /> : null}
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
      <Button type="submit" kind="primary" busy={login.isPending}>
        {login.isPending ? words.session.signingIn : words.session.signIn}
      </Button>
    </form>
  );
}

function LoginFailure({ error }: { error: Error }) {
  if (hasStatus(error, 401)) return <Notice tone="bad" urgent title={words.session.wrong} />;
  return <Failure title={words.session.failed} {...describe(error)} />;
}
