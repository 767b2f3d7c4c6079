import { useState, type FormEvent } from "react";
import type { WebhookCreate } from "@/api/types";
import { Proof } from "@/asking/Proof";
import { Saving } from "@/asking/Saving";
import { Section } from "@/ui/Section";
import { words } from "@/words";
import { useWebhookChange, webhookChanges, type Owner } from "./queries";
import { Secret } from "./Secret";
import { trimmed, WebhookFields, type Given } from "./WebhookFields";

const said = words.webhooks;

/** Where another program listens, and what it wants to hear. */
export function MakeWebhook({ owner }: { owner: Owner }) {
  const [given, setGiven] = useState<Given>({ url: "", description: "", events: ["*"] });
  const make = useWebhookChange((asked: WebhookCreate) => webhookChanges.make(owner, asked));
  const missing = whatIsMissing(given);
  const clear = () => setGiven((typed) => ({ ...typed, url: "", description: "" }));
  const submit = (event: FormEvent) => {
    event.preventDefault();
    if (missing || make.isPending) return;
    make.mutate(trimmed(given), { onSuccess: clear });
  };
  return (
    <Section title={said.make}>
      {make.data ? <Secret secret={make.data.secret} onKept={make.reset} /> : null}
      <form className="grid gap-4" onSubmit={submit} noValidate>
        <WebhookFields value={given} onChange={setGiven} error={make.error} descriptionHelp={said.descriptionHelp} />
        <Saving
          save={said.makeSend}
          saving={words.account.saving}
          failed={said.makeFailed}
          change={{ ...make, isSuccess: false }}
          reason={missing}
        />
      </form>
      <Proof change={make} />
    </Section>
  );
}

function whatIsMissing({ url, events }: Given): string | null {
  if (!/^https?:\/\/\S+$/.test(url.trim())) return said.urlMissing;
  return events.length === 0 ? said.nothing : null;
}
