"""Webhooks: of each account, and of staff."""

from service.web.endpoint import BODY, READ
from service.web.endpoint import Endpoint as E
from service.webhooks import deliveries, endpoints
from service.webhooks import models as m

OFTEN = (403, 404, 409)
GIVEN = (*OFTEN, 422, *BODY)


def _about(base: str, name: str) -> list[E]:
    """The calls about the webhooks of one owner; `name` comes before their own names."""
    one, sent = f"{base}/{{webhook}}", f"{base}/{{webhook}}/deliveries"
    delivery = f"{sent}/{{delivery}}"
    shown, made = {200: m.Webhook}, {201: m.NewWebhook}
    detailed, listed = {200: m.DeliveryDetails}, {200: m.DeliveryPage}
    return [
        E("GET", base, endpoints.list_webhooks, f"list{name}s", {200: m.WebhookPage}, problems=(403, 404)),
        E("POST", base, endpoints.create_webhook, f"create{name}", made, m.WebhookCreate, problems=GIVEN),
        E("GET", one, endpoints.show_webhook, f"get{name}", shown, problems=(403, 404)),
        E("PATCH", one, endpoints.change_webhook, f"change{name}", shown, m.WebhookChange, problems=GIVEN),
        E("DELETE", one, endpoints.drop_webhook, f"drop{name}", {204: None}, problems=OFTEN),
        E(
            "POST",
            f"{one}/secret",
            endpoints.rotate_secret,
            f"rotate{name}Secret",
            {200: m.NewWebhook},
            m.SecretRotation,
            problems=GIVEN,
        ),
        E("POST", f"{one}/ping", deliveries.ping, f"ping{name}", detailed, problems=(403, 404, 429)),
        E(
            "POST",
            f"{one}/replay",
            endpoints.replay,
            f"replay{name}",
            {202: m.Webhook},
            m.Replay,
            problems=(*GIVEN, 410),
        ),
        E("GET", sent, deliveries.list_deliveries, f"list{name}Deliveries", listed, None, m.DeliveriesQuery, (), READ),
        E("GET", delivery, deliveries.show_delivery, f"get{name}Delivery", detailed, problems=(403, 404)),
        E(
            "POST",
            f"{delivery}/redeliver",
            deliveries.redeliver,
            f"redeliver{name}",
            {202: m.Delivery},
            problems=OFTEN,
        ),
    ]


ENDPOINTS = [*_about("/v1/accounts/{id}/webhooks", "Webhook"), *_about("/v1/admin/webhooks", "StaffWebhook")]
