import { useQuery } from "@tanstack/react-query";
import { useState, type FormEvent } from "react";
import { ApiError } from "@/api/errors";
import type { SshKey } from "@/api/types";
import { ConfirmedAct } from "@/asking/ConfirmedAct";
import { Field } from "@/ui/Field";
import { Section } from "@/ui/Section";
import { Skeleton } from "@/ui/Skeleton";
import { Time } from "@/ui/Time";
import { words } from "@/words";
import { accountChanges, accountQueries, useAccountChange } from "./queries";
import { Saving } from "@/asking/Saving";
import { Unread } from "@/asking/Unread";

const { sshKeys: said } = words.account;

/** The keys that new servers can be given. */
export function KeysTab() {
  const keys = useQuery(accountQueries.keys());
  return (
    <div className="grid gap-5 lg:grid-cols-2">
      <Section title={words.account.keys}>
        <Unread title={said.failed} query={keys} />
        {keys.isPending ? <Skeleton rows={3} label={words.common.loading} /> : null}
        {keys.data?.length === 0 ? <p className="text-soft">{said.none}</p> : null}
        <ul className="grid ruled">
          {keys.data?.map((key) => (
            <Row key={key.id} sshKey={key} />
          ))}
        </ul>
      </Section>
      <Add />
    </div>
  );
}

function Row({ sshKey }: { sshKey: SshKey }) {
  return (
    <li className="flex flex-wrap items-center justify-between gap-3 py-3 first:pt-0">
      <div className="min-w-0 flex-1 basis-56">
        <p className="font-medium wrap-anywhere">{sshKey.name}</p>
        <p className="font-mono text-small text-soft wrap-anywhere">{sshKey.fingerprint}</p>
        <p className="text-small text-soft">
          {said.added} <Time at={sshKey.created_at} as="day" />
        </p>
      </div>
      <ConfirmedAct
        danger
        label={said.drop}
        acting={said.dropping}
        title={said.dropTitle(sshKey.name)}
        notes={said.dropNotes}
        about={sshKey.name}
        run={() => accountChanges.dropKey(sshKey.id)}
      />
    </li>
  );
}

function whatIsMissing(name: string, text: string): string | null {
  if (!name.trim()) return said.nameMissing;
  return text.trim() ? null : said.keyMissing;
}

function Add() {
  const [name, setName] = useState("");
  const [text, setText] = useState("");
  const add = useAccountChange(accountChanges.addKey);
  const missing = whatIsMissing(name, text);
  const clear = () => [setName, setText].forEach((set) => set(""));
  const submit = (event: FormEvent) => {
    event.preventDefault();
    if (missing || add.isPending) return;
    add.mutate({ name: name.trim(), public_key: text.trim() }, { onSuccess: clear });
  };
  const refused = add.error instanceof ApiError ? add.error.field("/public_key") : undefined;
  return (
    <Section title={said.add}>
      <form className="grid gap-4" onSubmit={submit}>
        <Field label={words.account.name} value={name} onValueChange={setName} maxLength={100} autoComplete="off" />
        <Field
          label={said.key}
          help={said.keyHelp}
          error={refused}
          lines={4}
          mono
          spellCheck={false}
          autoComplete="off"
          value={text}
          onValueChange={setText}
        />
        <Saving
          save={said.addSend}
          saving={words.account.saving}
          failed={said.addFailed}
          change={add}
          reason={missing}
        />
      </form>
    </Section>
  );
}
