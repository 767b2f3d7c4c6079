import { useParams } from "wouter";
import { mayManage } from "@/api/roles";
import type { Account } from "@/api/types";
import { ChosenAccount } from "@/asking/ChosenAccount";
import { Section } from "@/ui/Section";
import { words } from "@/words";
import { Webhooks } from "./Webhooks";
import { WebhookView } from "./WebhookView";

const said = words.webhooks;
const members = words.members;

/** The webhooks of an account of the user's. */
export function AccountWebhooksTab() {
  return <ChosenAccount>{(account) => <OfAccount key={account.id} account={account} />}</ChosenAccount>;
}

function OfAccount({ account }: { account: Account }) {
  const { webhook } = useParams();
  if (!mayManage(account.role))
    return (
      <Section title={said.title}>
        <p className="text-soft">{said.mayNot(account.role ? members.roles[account.role].name : members.nobody)}</p>
      </Section>
    );
  return webhook ? <WebhookView owner={account.id} id={webhook} /> : <Webhooks owner={account.id} />;
}

/** The webhooks of staff, which hear of every account. */
export function StaffWebhooksPage() {
  const { webhook } = useParams();
  return webhook ? <WebhookView owner={null} id={webhook} /> : <Webhooks owner={null} />;
}
