import { useMutation } from "@tanstack/react-query";
import { useState } from "react";
import { Link } from "wouter";
import { ApiError, describe, hasStatus } from "@/api/errors";
import { resetPassword } from "@/api/session";
import { useTitle } from "@/lib/hooks";
import { useLocation } from "@/lib/location";
import { paths } from "@/paths";
import { Button, buttonClass } from "@/ui/Button";
import { Failure } from "@/ui/Failure";
import { Field } from "@/ui/Field";
import { Notice } from "@/ui/Notice";
import { words } from "@/words";
import { Entrance, EntranceForm } from "./Entrance";

const { reset } = words.session;

/** Choose a new password. The token stands behind the #: browsers send that part to no server. */
export function ResetPage() {
  useTitle(reset.title);
  const token = useLocation().hash.slice(1);
  const [password, setPassword] = useState("");
  const save = useMutation({ mutationFn: resetPassword });
  if (!token || hasStatus(save.error, 410)) return <Expired />;
  if (save.isSuccess) return <Done />;
  const refused = save.error instanceof ApiError ? save.error.field("/password") : undefined;
  return (
    <Entrance>
      <EntranceForm title={reset.title} busy={save.isPending} onSend={() => save.mutate({ token, password })}>
        {save.error && !refused ? <Failure title={reset.failed} {...describe(save.error)} /> : null}
        <Field
          label={reset.password}
          help={reset.help}
          error={refused}
          type="password"
          name="new-password"
          autoComplete="new-password"
          required
          minLength={10}
          value={password}
          onValueChange={setPassword}
        />
        <Button type="submit" kind="primary" busy={save.isPending}>
          {save.isPending ? reset.saving : reset.save}
        </Button>
      </EntranceForm>
    </Entrance>
  );
}

function Expired() {
  return (
    <Entrance title={reset.title}>
      <Notice tone="warn" urgent title={reset.expired}>
        {reset.expiredHelp}
      </Notice>
      <Link to={paths.forgot()} className={buttonClass("primary")}>
        {reset.again}
      </Link>
    </Entrance>
  );
}

function Done() {
  return (
    <Entrance title={reset.title}>
      <Notice tone="good" urgent title={reset.done}>
        {reset.doneHelp}
      </Notice>
      <Link to={paths.login()} className={buttonClass("primary")}>
        {words.session.signIn}
      </Link>
    </Entrance>
  );
}
