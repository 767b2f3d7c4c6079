"""Secrets are planted through every call that takes or makes one, and looked for wherever they must not be."""

from __future__ import annotations

import base64
from typing import Any

import httpx
import pyotp
import pytest

from domain import ids
from service.identity import cookies
from tests.service.closed.document import CALLS, bodies, leaves, put
from tests.service.closed.house import House, Somebody
from tests.service.world import PASSWORD

pytestmark = pytest.mark.pg
SECRET = {"password", "current_password", "token", "otp", "secret", "user_data"}
PLANTED = "c4n4ry-not-to-be-seen"
SCRIPT = f"#!/bin/sh\necho {PLANTED}\n"  # what is taken as user data
TABLES = "SELECT relname FROM pg_class WHERE relkind = 'r' AND relnamespace = 'public'::regnamespace"


async def test_secrets_are_seen_nowhere(house: House, capfd: pytest.CaptureFixture[str]) -> None:
    ann = await house.owner("ann")
    root = await house.somebody("root", staff=True)
    told, secrets = await planted(ann, root), await made(house, ann)
    await house.world.project()
    places = {
        "a log": "".join(capfd.readouterr()),
        "a table": await everything_kept(house),
        "an answer": "\n".join([*told, *(await house.seen_by(ann)).values(), *await seen_by_staff(root)]),
    }
    found = [(name, place) for name, value in secrets.items() for place, text in places.items() if stands(value, text)]
    assert found == []
    assert "ann@example.com" in places["a table"]
    assert '"event"' in places["a log"] or "request" in places["a log"]


async def planted(ann: Somebody, root: Somebody) -> list[str]:
    """What calls answer that are sent a secret in every place for one, in a body that is right but for it."""
    told = []
    for call in CALLS:
        who = root if call.staff else ann
        for body in bodies(call.body) if call.body else []:
            for at in [at for at in leaves(body) if SECRET & set(at)]:
                for value in (PLANTED, PLANTED + "\x00", PLANTED * 1000, f"#cloud-config\n{PLANTED}: [", SCRIPT):
                    for values in (ann.tuples(call) or [("x",) * len(call.places)])[:40]:
                        sent = put(body, at, value)
                        told.append((await who.client.request(call.method, call.at(*values), json=sent)).text)
    assert len(told) > 20
    return told


async def made(house: House, ann: Somebody) -> dict[str, str]:
    """Secrets that were made, and shown once, and those that the installation has."""
    client, tokens = ann.client, house.world.deps.tokens
    private = tokens.keys.signing.key.private_key
    assert private is not None
    offered = (await client.post("/v1/users/me/two-factor")).json()
    token = (await client.post("/v1/users/me/tokens", json={"name": "x", "scopes": ["read"]})).json()
    account = f"/v1/accounts/{ids.show(ids.ACCOUNT, ann.person.account_id or ann.person.id)}"
    hook = (await client.post(f"{account}/webhooks", json={"url": "https://127.0.0.1:1/x"})).json()
    confirmed = await confirm(client, offered["secret"])
    signed_in = await house.client(None).post(
        "/v1/login", json={"email": ann.person.email, "password": PASSWORD, "otp": confirmed["codes"][0]}
    )
    return {
        "what was planted": PLANTED,
        "password": PASSWORD,
        "second factor": offered["secret"],
        "recovery code": confirmed["codes"][1],
        "recovery code that was used": confirmed["codes"][0],
        "API token": token["token"],
        "webhook secret": hook["secret"],
        "access token": signed_in.json()["access_token"],
        "refresh token": signed_in.cookies[cookies.COOKIE],
        "signing key": base64.b64encode(private.private_bytes_raw()).decode(),
        "secret key": house.world.deps.config.auth.secret_key_file.read_text(),
        "Proxmox token": house.world.deps.config.cluster[0].token_secret(),
    }


async def confirm(client: httpx.AsyncClient, secret: str) -> Any:
    return (await client.post("/v1/users/me/two-factor/confirm", json={"otp": pyotp.TOTP(secret).now()})).json()


async def everything_kept(house: House) -> str:
    """Every row of every table."""
    pool = house.world.store.pool
    rows = [
        row[0]
        for table in await pool.fetch(TABLES)
        for row in await pool.fetch(f"SELECT to_jsonb(t)::text FROM {table['relname']} t")
    ]
    return "\n".join(rows)


async def seen_by_staff(root: Somebody) -> list[str]:
    """All that staff are shown without naming anything."""
    lists = [call for call in CALLS if call.staff and call.method == "GET" and not call.places]
    return [(await root.client.get(call.path)).text for call in lists]


def stands(secret: str, text: str) -> bool:
    """Whether a secret stands somewhere: as it is, or its bytes in the hexadecimal that PostgreSQL shows."""
    raw = base64.b64decode(secret) if len(secret) == 44 else secret.encode()
    return secret in text or raw.hex() in text
