import { useState, type FormEvent } from "react";
import { ApiError } from "@/api/errors";
import type { WebhookCreate, WebhookEvents } from "@/api/types";
import { Saving } from "@/asking/Saving";
import { Field } from "@/ui/Field";
import { Section } from "@/ui/Section";
import { words } from "@/words";
import { EventChoice } from "./EventChoice";
import { useWebhookChange, webhookChanges, type Owner } from "./queries";
import { Secret } from "./Secret";

const { webhooks: said } = words;

/** Where another program listens, and what it wants to hear. */
export function MakeWebhook({ owner }: { owner: Owner }) {
  const [url, setUrl] = useState("");
  const [description, setDescription] = useState("");
  const [events, setEvents] = useState<WebhookEvents>(["*"]);
  const make = useWebhookChange((given: WebhookCreate) => webhookChanges.make(owner, given));
  const missing = whatIsMissing(url, events);
  const clear = () => [setUrl, setDescription].forEach((set) => set(""));
  const submit = (event: FormEvent) => {
    event.preventDefault();
    if (missing || make.isPending) return;
    make.mutate({ url: url.trim(), description: description.trim(), events }, { onSuccess: clear });
  };
  return (
    <Section title={said.make}>
      {make.data ? <Secret secret={make.data.secret} onKept={make.reset} /> : null}
      <form className="grid gap-4" onSubmit={submit} noValidate>
        <Field
          label={said.url}
          help={said.urlHelp}
          error={make.error instanceof ApiError ? make.error.field("/url") : null}
          type="url"
          maxLength={2048}
          autoComplete="off"
          value={url}
          onValueChange={setUrl}
        />
        <Field
          label={said.description}
          help={said.descriptionHelp}
          maxLength={255}
          autoComplete="off"
          value={description}
          onValueChange={setDescription}
        />
        <EventChoice value={events} onChange={setEvents} />
        <Saving
          save={said.makeSend}
          saving={words.account.saving}
          failed={said.makeFailed}
          change={{ ...make, isSuccess: false }}
          reason={missing}
        />
      </form>
    </Section>
  );
}

function whatIsMissing(url: string, events: WebhookEvents): string | null {
  if (!/^https?:\/\/\S+$/.test(url.trim())) return said.urlMissing;
  return events.length === 0 ? said.nothing : null;
}
