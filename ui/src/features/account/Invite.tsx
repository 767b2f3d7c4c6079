import { useState, type FormEvent } from "react";
import { ApiError } from "@/api/errors";
import type { Account, MemberRole } from "@/api/types";
import { Field } from "@/ui/Field";
import { Notice } from "@/ui/Notice";
import { Section } from "@/ui/Section";
import { words } from "@/words";
import { accountChanges, useAccountChange } from "./queries";
import { RoleChoice } from "./RoleChoice";
import { Saving } from "@/asking/Saving";

const said = words.members;

/** Asks somebody by letter to act for the account. */
export function Invite({ account }: { account: Account }) {
  const [email, setEmail] = useState("");
  const [role, setRole] = useState<MemberRole>("operator");
  const invite = useAccountChange(accountChanges.invite);
  const missing = /^\S+@\S+$/.test(email.trim()) ? null : said.emailMissing;
  const submit = (event: FormEvent) => {
    event.preventDefault();
    if (missing || invite.isPending) return;
    invite.mutate({ account: account.id, email: email.trim(), role }, { onSuccess: () => setEmail("") });
  };
  return (
    <Section title={said.invite}>
      {invite.data ? (
        <Notice tone="good" urgent title={said.invited(invite.data.email)}>
          {said.invitedHelp}
        </Notice>
      ) : null}
      <form className="grid gap-4" onSubmit={submit} noValidate>
        <Field
          label={words.session.email}
          help={said.emailHelp}
          error={invite.error instanceof ApiError ? invite.error.field("/email") : null}
          type="email"
          name="invited"
          autoComplete="off"
          value={email}
          onValueChange={setEmail}
        />
        <RoleChoice by={account.role} value={role} onChange={setRole} />
        <Saving
          save={said.send}
          saving={said.sending}
          failed={said.inviteFailed}
          change={{ ...invite, isSuccess: false }}
          reason={missing}
        />
      </form>
    </Section>
  );
}
