import { useQuery } from "@tanstack/react-query";
import { useState, type FormEvent } from "react";
import { ApiError, describe } from "@/api/errors";
import type { User } from "@/api/types";
import { Failure } from "@/ui/Failure";
import { Field } from "@/ui/Field";
import { Section } from "@/ui/Section";
import { Skeleton } from "@/ui/Skeleton";
import { words } from "@/words";
import { accountChanges, accountQueries, useAccountChange } from "./queries";
import { Saving } from "@/asking/Saving";

const account = words.account;
const LEAST = 10;

/** What one is called, and the password. */
export function ProfileTab() {
  const me = useQuery(accountQueries.me());
  if (me.error)
    return (
      <Failure
        title={account.failed}
        {...describe(me.error)}
        knownAt={me.dataUpdatedAt}
        onRetry={() => void me.refetch()}
      />
    );
  if (!me.data) return <Skeleton rows={4} label={words.common.loading} />;
  return (
    <div className="grid gap-5 lg:grid-cols-2">
      <Name me={me.data} />
      <Password email={me.data.email} />
    </div>
  );
}

function Name({ me }: { me: User }) {
  const [name, setName] = useState(me.name ?? "");
  const save = useAccountChange(accountChanges.rename);
  const unchanged = name.trim() === (me.name ?? "") || !name.trim();
  const submit = (event: FormEvent) => {
    event.preventDefault();
    if (!unchanged && !save.isPending) save.mutate({ name: name.trim() });
  };
  return (
    <Section title={account.profile}>
      <form className="grid gap-4" onSubmit={submit}>
        <Field label={words.session.email} value={me.email} readOnly help={account.emailHelp} />
        <Field label={account.name} value={name} onValueChange={setName} autoComplete="name" maxLength={255} />
        <Saving
          save={account.saveName}
          saving={account.saving}
          failed={account.saveFailed}
          change={save}
          reason={unchanged ? account.unchanged : null}
        />
      </form>
    </Section>
  );
}

function Password({ email }: { email: string }) {
  const [current, setCurrent] = useState("");
  const [next, setNext] = useState("");
  const save = useAccountChange(accountChanges.password);
  const short = next.length < LEAST ? account.passwordShort : null;
  const submit = (event: FormEvent) => {
    event.preventDefault();
    if (short || !current || save.isPending) return;
    const clear = () => [setCurrent, setNext].forEach((set) => set(""));
    save.mutate({ current_password: current, password: next }, { onSuccess: clear });
  };
  return (
    <Section title={account.password}>
      <form className="grid gap-4" onSubmit={submit}>
        <input type="email" name="email" autoComplete="username" value={email} readOnly hidden />
        <Field
          label={account.passwordNow}
          type="password"
          autoComplete="current-password"
          value={current}
          onValueChange={setCurrent}
        />
        <Field
          label={words.session.reset.password}
          type="password"
          autoComplete="new-password"
          help={account.passwordHelp}
          error={save.error instanceof ApiError ? save.error.field("/password") : null}
          value={next}
          onValueChange={setNext}
        />
        <Saving
          save={account.savePassword}
          saving={account.saving}
          failed={words.session.reset.failed}
          change={save}
          reason={current ? short : account.passwordNowMissing}
        />
      </form>
    </Section>
  );
}
