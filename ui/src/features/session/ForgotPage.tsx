import { useMutation } from "@tanstack/react-query";
import { useState } from "react";
import { Link } from "wouter";
import { describe } from "@/api/errors";
import { askForReset } from "@/api/session";
import { useTitle } from "@/lib/hooks";
import { paths } from "@/paths";
import { Button } from "@/ui/Button";
import { Failure } from "@/ui/Failure";
import { Field } from "@/ui/Field";
import { Notice } from "@/ui/Notice";
import { words } from "@/words";
import { Entrance, EntranceForm } from "./Entrance";

const { forgot } = words.session;

/** Ask for a letter with a link to choose a new password. */
export function ForgotPage() {
  useTitle(forgot.title);
  const [email, setEmail] = useState("");
  const ask = useMutation({ mutationFn: askForReset });
  return (
    <Entrance>
      <EntranceForm title={forgot.title} busy={ask.isPending} onSend={() => ask.mutate(email)}>
        {ask.isSuccess ? (
          <Notice tone="good" urgent title={forgot.sent}>
            {forgot.sentHelp}
          </Notice>
        ) : null}
        {ask.error ? <Failure title={forgot.failed} {...describe(ask.error)} /> : null}
        <Field
          label={words.session.email}
          help={forgot.help}
          type="email"
          name="email"
          autoComplete="username"
          required
          value={email}
          onValueChange={setEmail}
        />
        <Button type="submit" kind="primary" busy={ask.isPending}>
          {ask.isPending ? forgot.sending : forgot.send}
        </Button>
        <Link to={paths.login()} className="justify-self-start text-accent hover:underline">
          {words.session.back}
        </Link>
      </EntranceForm>
    </Entrance>
  );
}
