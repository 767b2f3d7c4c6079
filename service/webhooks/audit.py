"""Who changed which webhook, and when: events of the account, or of the member of staff who did."""

from __future__ import annotations

from typing import Any

from starlette.requests import Request

from domain.account.events import StaffWebhookChanged, WebhookChanged
from domain.account.state import Account
from eventstore.store import Claims
from service.accounts.accounts import account_event
from service.identity.writing import user_event


async def changed(req: Request, account: Account | None, claims: Claims, **told: Any) -> None:
    """Append that a webhook changed, of an account or (None) of staff; `claims` changes it in the same transaction.

    Raises:
        Problem: others keep changing the same.
    """
    if account is None:
        await user_event(req, StaffWebhookChanged(**told), claims)
    else:
        await account_event(req, account, WebhookChanged(**told), claims)
