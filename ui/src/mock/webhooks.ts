import type { Webhook, WebhookDelivery, WebhookDeliveryDetails } from "@/api/types";
import { AT } from "./account";

/** What the mock service knows of programs that are told; staff's are under "". */
export class MockWebhooks {
  readonly of = new Map<string, Webhook[]>();
  readonly deliveries = new Map<string, WebhookDeliveryDetails[]>();
  /** Whether the programs take what they are sent. */
  taking = true;

  list(owner: string): Webhook[] {
    return this.of.get(owner) ?? [];
  }

  add(owner: string, changes: Partial<Webhook> = {}): Webhook {
    const webhook = aWebhook({ id: `whk_${this.deliveries.size + 1}`, ...changes });
    this.of.set(owner, [webhook, ...this.list(owner)]);
    this.deliveries.set(webhook.id, []);
    return webhook;
  }

  send(webhook: Webhook, changes: Partial<WebhookDelivery> = {}): WebhookDeliveryDetails {
    const kept = this.deliveries.get(webhook.id)!;
    const delivery = aDelivery(`${webhook.id}_${kept.length + 1}`, changes);
    kept.unshift(delivery);
    this.attempt(delivery);
    return delivery;
  }

  attempt(delivery: WebhookDeliveryDetails): void {
    const status = this.taking ? 200 : 500;
    const answer = this.taking ? "thanks" : "out of order";
    const at = new Date(Date.parse(AT) + delivery.tries.length * 1000).toISOString();
    delivery.tries.unshift({ at, status, duration_ms: 42, error: null, answer });
    const state = this.taking ? "delivered" : "failed";
    Object.assign(delivery, { status, attempts: delivery.attempts + 1, state, ended_at: AT });
  }
}

export function aWebhook(changes: Partial<Webhook> = {}): Webhook {
  return {
    id: "whk_1",
    object: "webhook",
    url: "https://billing.example.com/hooks",
    description: "",
    events: ["*"],
    enabled: true,
    disabled_reason: null,
    failing_since: null,
    waiting: 0,
    replaying: false,
    previous_secret_until: null,
    created_at: AT,
    ...changes,
  };
}

function aDelivery(number: string, changes: Partial<WebhookDelivery>): WebhookDeliveryDetails {
  const type = changes.type ?? "server.suspended";
  return {
    id: `dlv_${number}`,
    object: "webhook_delivery",
    message_id: `msg_${number}`,
    type,
    server_id: "srv_1",
    position: `log:1:${number}:0`,
    state: "pending",
    attempts: 0,
    status: null,
    created_at: AT,
    ended_at: null,
    body: JSON.stringify({ type, timestamp: AT, data: { server_id: "srv_1" } }),
    tries: [],
    ...changes,
  };
}
