import { useInfiniteQuery, useQuery } from "@tanstack/react-query";
import { ChevronRight } from "lucide-react";
import { useState } from "react";
import { describe } from "@/api/errors";
import type { Webhook, WebhookDelivery } from "@/api/types";
import { ConfirmedAct } from "@/asking/ConfirmedAct";
import { Unread } from "@/asking/Unread";
import { useSearchParams } from "@/lib/location";
import { Button } from "@/ui/Button";
import { Facts } from "@/ui/Facts";
import { Failure } from "@/ui/Failure";
import { More } from "@/ui/More";
import { Section } from "@/ui/Section";
import { Select } from "@/ui/Select";
import { Skeleton } from "@/ui/Skeleton";
import { Time } from "@/ui/Time";
import { words } from "@/words";
import { useWebhookChange, webhookChanges, webhookQueries, type DeliveryState, type Owner } from "./queries";

const said = words.webhooks;
const states = Object.keys(said.states) as DeliveryState[];

interface Props {
  owner: Owner;
  webhook: Webhook;
}

/** Everything that an endpoint was sent, newest first; which of it stands in the URL. */
export function Deliveries({ owner, webhook }: Props) {
  const [params, setParams] = useSearchParams();
  const state = states.find((each) => each === params.get("state")) ?? null;
  const list = useInfiniteQuery(webhookQueries.deliveries(owner, webhook.id, state));
  const found = list.data?.pages.flatMap((page) => page.data) ?? [];
  const show = (wanted: string) =>
    setParams(
      (before) => {
        before.delete("state");
        if (wanted) before.set("state", wanted);
        return before;
      },
      { replace: true },
    );
  const options = [
    { value: "", label: said.anyState },
    ...states.map((each) => ({ value: each, label: said.states[each] })),
  ];
  return (
    <Section title={said.deliveries}>
      <div className="max-w-48">
        <Select label={said.which} value={state ?? ""} options={options} onChange={show} />
      </div>
      <Unread title={said.failed} query={list} />
      {list.isPending ? <Skeleton rows={5} label={words.common.loading} /> : null}
      {list.data && found.length === 0 ? <p className="text-soft">{state ? said.noMatch : said.noDeliveries}</p> : null}
      <ul aria-label={said.deliveries} className="grid ruled empty:hidden">
        {found.map((delivery) => (
          <Row key={delivery.id} owner={owner} webhook={webhook} delivery={delivery} />
        ))}
      </ul>
      <More list={list} />
    </Section>
  );
}

function Row({ owner, webhook, delivery }: Props & { delivery: WebhookDelivery }) {
  const [open, setOpen] = useState(false);
  const { type, attempts, status, state, message_id } = delivery;
  const how = attempts ? said.attempts(attempts) : said.neverSent;
  return (
    <li>
      <details open={open} onToggle={(event) => setOpen(event.currentTarget.open)}>
        <summary
          aria-label={said.open(type, message_id)}
          className="flex min-h-11 cursor-pointer flex-wrap items-center gap-x-2 gap-y-1 py-2.5"
        >
          <ChevronRight aria-hidden size={15} className={open ? "rotate-90 text-soft" : "text-soft"} />
          <span className="min-w-0 flex-1 font-mono text-small wrap-anywhere">{type}</span>
          <span className="basis-full pl-6 text-small text-soft sm:basis-auto">
            {said.states[state]}
            {status ? ` · ${said.answered(status)}` : null} · {how} · <Time at={delivery.created_at} />
          </span>
        </summary>
        {open ? <Details owner={owner} webhook={webhook} delivery={delivery} /> : null}
      </details>
    </li>
  );
}

function Details({ owner, webhook, delivery }: Props & { delivery: WebhookDelivery }) {
  const found = useQuery(webhookQueries.delivery(owner, webhook.id, delivery.id));
  return (
    <div className="grid gap-4 pb-4">
      <Facts
        facts={[
          [said.messageId, delivery.message_id],
          ...(delivery.server_id ? ([[said.server, delivery.server_id]] as const) : []),
        ]}
      />
      <Again owner={owner} webhook={webhook} delivery={delivery} />
      <Unread title={said.failed} query={found} />
      {found.isPending ? <Skeleton rows={3} label={words.common.loading} /> : null}
      {found.data ? <Sent body={found.data.body} tries={found.data.tries} /> : null}
    </div>
  );
}

function Again({ owner, webhook, delivery }: Props & { delivery: WebhookDelivery }) {
  const redeliver = useWebhookChange(() => webhookChanges.redeliver(owner, webhook.id, delivery.id));
  const off = webhook.enabled ? null : said.replayOff;
  return (
    <div className="flex flex-wrap gap-2">
      <Button busy={redeliver.isPending} reason={off} onClick={() => redeliver.mutate(undefined)}>
        {redeliver.isPending ? said.redelivering : said.redeliver}
      </Button>
      {delivery.position ? (
        <ConfirmedAct
          label={said.replayFrom}
          acting={said.replayingNow}
          title={said.replayFromTitle}
          notes={said.replayNotes}
          observing={webhook.replaying}
          reason={off}
          run={() => webhookChanges.replay(owner, webhook.id, delivery.position)}
        />
      ) : null}
      {redeliver.error ? <Failure title={said.redeliverFailed} {...describe(redeliver.error)} /> : null}
    </div>
  );
}

interface Try {
  at: string;
  status: number | null;
  duration_ms: number;
  error: string | null;
  answer: string;
}

function Sent({ body, tries }: { body: string; tries: Try[] }) {
  return (
    <>
      {tries.length > 0 ? (
        <div className="grid gap-2">
          <h3 className="font-medium">{said.tries}</h3>
          <ul aria-label={said.tries} className="grid gap-2">
            {tries.map((one) => (
              <li key={one.at} className="text-small wrap-anywhere">
                <Time at={one.at} /> · {one.status ? said.answered(one.status) : said.noAnswer} ·{" "}
                {said.took(one.duration_ms)}
                <span className="block font-mono text-soft">{one.error ?? (one.answer || said.saidNothing)}</span>
              </li>
            ))}
          </ul>
        </div>
      ) : null}
      <div className="grid gap-2">
        <h3 className="font-medium">{said.body}</h3>
        <pre
          aria-label={said.body}
          className="rounded-control bg-raised p-3 font-mono text-small whitespace-pre-wrap wrap-anywhere"
        >
          {readable(body)}
        </pre>
      </div>
    </>
  );
}

function readable(body: string): string {
  try {
    return JSON.stringify(JSON.parse(body), null, 2);
  } catch {
    return body;
  }
}
