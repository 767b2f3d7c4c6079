import { Link } from "react-router";
import type { SystemHealth } from "@/api/types";
import { paths } from "@/paths";
import { Section } from "@/ui/Section";
import { Time } from "@/ui/Time";
import { words } from "@/words";

const staff = words.staff;

/** Programs that should be told of what happens, and take nothing. */
export function FailingWebhooks({ webhooks }: Pick<SystemHealth, "webhooks">) {
  if (webhooks.length === 0) return null;
  return (
    <Section title={staff.webhooksFailing}>
      <ul aria-label={staff.webhooksFailing} className="grid divide-y divide-line">
        {webhooks.map(({ id, account, url, failing_since, disabled_reason }) => (
          <li key={id} className="py-3 wrap-anywhere first:pt-0">
            <Link
              className="text-accent underline underline-offset-2"
              to={account ? paths.adminCustomer(account) : paths.adminWebhook(id)}
            >
              {url}
            </Link>
            <p className="text-small text-soft">
              {disabled_reason ?? (
                <>
                  {staff.webhookSince} {failing_since ? <Time at={failing_since} /> : null}
                </>
              )}
            </p>
          </li>
        ))}
      </ul>
    </Section>
  );
}
