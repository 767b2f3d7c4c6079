import { useQuery } from "@tanstack/react-query";
import { useState, type FormEvent } from "react";
import { Link } from "wouter";
import { describe } from "@/api/errors";
import type { Webhook, WebhookChange } from "@/api/types";
import { ConfirmedAct } from "@/asking/ConfirmedAct";
import { Proof } from "@/asking/Proof";
import { Saving } from "@/asking/Saving";
import { Unread } from "@/asking/Unread";
import { go } from "@/lib/location";
import { paths } from "@/paths";
import { Button } from "@/ui/Button";
import { Facts } from "@/ui/Facts";
import { Failure } from "@/ui/Failure";
import { Notice } from "@/ui/Notice";
import { Section } from "@/ui/Section";
import { Skeleton } from "@/ui/Skeleton";
import { Time } from "@/ui/Time";
import { words } from "@/words";
import { Deliveries } from "./Deliveries";
import { useWebhookChange, webhookChanges, webhookQueries, type Owner } from "./queries";
import { Secret } from "./Secret";
import { trimmed, WebhookFields, type Given } from "./WebhookFields";
import { howItGoes } from "./Webhooks";

const said = words.webhooks;

interface Props {
  owner: Owner;
  webhook: Webhook;
}

/** One webhook: how it goes, what is done about it, and everything it was sent. */
export function WebhookView({ owner, id }: { owner: Owner; id: string }) {
  const found = useQuery(webhookQueries.one(owner, id));
  const all = owner === null ? paths.adminWebhooks() : paths.accountWebhooks(owner);
  return (
    <div className="grid gap-5">
      <Link className="justify-self-start link" to={all}>
        {said.back}
      </Link>
      <Unread title={said.failed} query={found} />
      {found.isPending ? <Skeleton rows={6} label={words.common.loading} /> : null}
      {found.data ? <Shown owner={owner} webhook={found.data} /> : null}
    </div>
  );
}

function Shown({ owner, webhook }: Props) {
  return (
    <>
      <Trouble owner={owner} webhook={webhook} />
      <div className="grid items-start gap-5 lg:grid-cols-2">
        <About owner={owner} webhook={webhook} />
        <Change key={webhook.url} owner={owner} webhook={webhook} />
      </div>
      <Deliveries owner={owner} webhook={webhook} />
    </>
  );
}

function Trouble({ owner, webhook }: Props) {
  const turnOn = useWebhookChange(() => webhookChanges.change(owner, webhook.id, { enabled: true }));
  if (webhook.enabled && webhook.failing_since)
    return (
      <Notice tone="warn" title={said.failing}>
        {said.failingSince} <Time at={webhook.failing_since} />.
      </Notice>
    );
  if (webhook.enabled) return null;
  const button = (
    <Button kind="primary" busy={turnOn.isPending} onClick={() => turnOn.mutate(undefined)}>
      {turnOn.isPending ? said.turningOn : said.turnOn}
    </Button>
  );
  return (
    <>
      <Notice tone="warn" title={said.stopped} action={button}>
        {webhook.disabled_reason}
      </Notice>
      {turnOn.error ? <Failure title={said.changeFailed} {...describe(turnOn.error)} /> : null}
    </>
  );
}

function About({ owner, webhook }: Props) {
  return (
    <Section title={webhook.description || webhook.url}>
      <Facts
        facts={[
          [said.url, webhook.url],
          [said.state, webhook.replaying ? said.replaying : howItGoes(webhook)],
          [said.created, <Time key="at" at={webhook.created_at} as="day" />],
          ...(webhook.previous_secret_until ? [oldSecret(webhook.previous_secret_until)] : []),
        ]}
      />
      <Acts owner={owner} webhook={webhook} />
    </Section>
  );
}

const oldSecret = (until: string) =>
  [
    said.oldSecret,
    <span key="until">
      {said.oldSecretUntil} <Time at={until} />
    </span>,
  ] as const;

function Acts({ owner, webhook }: Props) {
  const [secret, setSecret] = useState<string | null>(null);
  const all = owner === null ? paths.adminWebhooks() : paths.accountWebhooks(owner);
  const { id, enabled } = webhook;
  return (
    <>
      {secret ? <Secret secret={secret} onKept={() => setSecret(null)} /> : null}
      <Ping owner={owner} webhook={webhook} />
      <div className="flex flex-wrap gap-2">
        <ConfirmedAct
          label={said.replay}
          acting={said.replayingNow}
          title={said.replayTitle}
          notes={said.replayNotes}
          observing={webhook.replaying}
          reason={enabled ? null : said.replayOff}
          run={() => webhookChanges.replay(owner, id, null)}
        />
        <ConfirmedAct
          label={said.rotate}
          acting={said.rotating}
          title={said.rotateTitle}
          notes={said.rotateNotes}
          run={async () => setSecret((await webhookChanges.rotate(owner, id)).secret)}
        />
        {enabled ? (
          <ConfirmedAct
            label={said.turnOff}
            acting={said.turningOff}
            title={said.turnOffTitle}
            notes={said.turnOffNotes}
            run={() => webhookChanges.change(owner, id, { enabled: false })}
          />
        ) : null}
        <ConfirmedAct
          label={said.drop}
          acting={said.dropping}
          title={said.dropTitle}
          notes={said.dropNotes}
          danger
          run={async () => {
            await webhookChanges.drop(owner, id);
            go(all);
          }}
        />
      </div>
    </>
  );
}

function Ping({ owner, webhook }: Props) {
  const ping = useWebhookChange(() => webhookChanges.ping(owner, webhook.id));
  const [last] = ping.data?.tries ?? [];
  const taken = ping.data?.state === "delivered";
  return (
    <div className="grid gap-3">
      <Button className="justify-self-start" busy={ping.isPending} onClick={() => ping.mutate(undefined)}>
        {ping.isPending ? said.pinging : said.ping}
      </Button>
      {ping.error ? <Failure title={said.pingFailed} {...describe(ping.error)} /> : null}
      {last && taken ? <Notice tone="good" urgent title={said.pingTaken(last.status, last.duration_ms)} /> : null}
      {last && !taken ? (
        <Notice tone="bad" urgent title={said.pingRefused}>
          {last.error ?? (last.status ? said.answered(last.status) : said.noAnswer)}
        </Notice>
      ) : null}
    </div>
  );
}

function Change({ owner, webhook }: Props) {
  const { url, description, events } = webhook;
  const [given, setGiven] = useState<Given>({ url, description, events });
  const change = useWebhookChange((asked: WebhookChange) => webhookChanges.change(owner, webhook.id, asked));
  const same =
    given.url === url &&
    given.description === description &&
    given.events.toSorted().join() === events.toSorted().join();
  const nothing = given.events.length === 0 ? said.nothing : null;
  const missing = same ? said.unchanged : nothing;
  const submit = (event: FormEvent) => {
    event.preventDefault();
    if (!missing && !change.isPending) change.mutate(trimmed(given));
  };
  return (
    <Section title={said.change}>
      <form className="grid gap-4" onSubmit={submit} noValidate>
        <WebhookFields value={given} onChange={setGiven} error={change.error} />
        <Saving
          save={said.save}
          saving={words.account.saving}
          failed={said.saveFailed}
          change={change}
          reason={missing}
        />
      </form>
      <Proof change={change} />
    </Section>
  );
}
