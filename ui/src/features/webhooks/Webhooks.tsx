import { useQuery } from "@tanstack/react-query";
import { Link } from "wouter";
import type { Webhook } from "@/api/types";
import { Unread } from "@/asking/Unread";
import { paths } from "@/paths";
import { Section } from "@/ui/Section";
import { Skeleton } from "@/ui/Skeleton";
import { words } from "@/words";
import { MakeWebhook } from "./MakeWebhook";
import { webhookQueries, type Owner } from "./queries";

const said = words.webhooks;

/** The webhooks of an account, or of staff, and a form for another one. */
export function Webhooks({ owner }: { owner: Owner }) {
  const list = useQuery(webhookQueries.list(owner));
  return (
    <div className="grid items-start gap-5 lg:grid-cols-2">
      <Section title={said.told}>
        <p className="text-soft">{said.help}</p>
        <Unread title={said.failed} query={list} />
        {list.isPending ? <Skeleton rows={3} label={words.common.loading} /> : null}
        {list.data?.length === 0 ? <p className="text-soft">{said.none}</p> : null}
        <ul aria-label={said.title} className="grid ruled empty:hidden">
          {list.data?.map((webhook) => (
            <Row key={webhook.id} owner={owner} webhook={webhook} />
          ))}
        </ul>
      </Section>
      <MakeWebhook owner={owner} />
    </div>
  );
}

function Row({ owner, webhook }: { owner: Owner; webhook: Webhook }) {
  const to = owner === null ? paths.adminWebhook(webhook.id) : paths.accountWebhook(webhook.id, owner);
  return (
    <li className="grid gap-0.5 py-3 first:pt-0">
      <Link className="link wrap-anywhere" to={to}>
        {webhook.url}
      </Link>
      {webhook.description ? <p className="wrap-anywhere">{webhook.description}</p> : null}
      <p className="text-small text-soft">{howItGoes(webhook)}</p>
    </li>
  );
}

/** In a line, whether a webhook is on, and what waits for it. */
export function howItGoes({ enabled, failing_since, waiting }: Webhook): string {
  const on = failing_since ? said.failing : said.on;
  return `${enabled ? on : said.off} · ${waiting ? said.waiting(waiting) : said.noneWait}`;
}
