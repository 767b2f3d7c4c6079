"""SSH keys: kept once, named in orders by their id, and nobody else's business."""

from __future__ import annotations

import base64
from collections.abc import Callable
from typing import Any

import httpx
import pytest
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from hypothesis import given
from hypothesis import strategies as st

from domain import ids
from domain.server import events as e
from runtime.ids import new_id
from service.keys import keys, models
from service.keys.public import NoKey, fingerprint
from tests.service.test_actions import ask, asked
from tests.service.test_servers import running
from tests.service.world import World

Order = Callable[..., dict[str, Any]]
# As `ssh-keygen -l` names it.
KNOWN = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIOMqqnkVzrm0SdG6UOoqKLsabgH5C9okWi0dh2l9GKJl"
KNOWN_FINGERPRINT = "SHA256:+DiY3wvvV6TuJJhbpZisF/zLDA0zPMSvHdkr4UvCOqU"


def line(key: Any = None) -> str:
    public = (key or ed25519.Ed25519PrivateKey.generate()).public_key()
    return str(public.public_bytes(Encoding.OpenSSH, PublicFormat.OpenSSH).decode())


async def kept(client: httpx.AsyncClient, name: str, key: str | None = None) -> dict[str, Any]:
    answer = await client.post("/v1/ssh-keys", json={"name": name, "public_key": key or line()})
    assert answer.status_code == 201, answer.text
    models.SshKey.model_validate_json(answer.content)
    found: dict[str, Any] = answer.json()
    assert answer.headers["location"] == f"/v1/ssh-keys/{found['id']}"
    return found


async def test_a_key_is_kept_shown_renamed_and_dropped(as_ann: httpx.AsyncClient) -> None:
    key = await kept(as_ann, "laptop", f"{KNOWN} ann@example.com")
    assert key["fingerprint"] == KNOWN_FINGERPRINT
    path = f"/v1/ssh-keys/{key['id']}"
    assert (await as_ann.get(path)).json() == key
    assert (await as_ann.get("/v1/ssh-keys")).json()["data"] == [key]
    assert (await as_ann.patch(path, json={"name": "desk"})).json() == key | {"name": "desk"}
    assert (await as_ann.delete(path)).status_code == 204
    assert (await as_ann.get(path)).status_code == (await as_ann.delete(path)).status_code == 404
    assert (await as_ann.get("/v1/ssh-keys")).json()["data"] == []


async def test_a_key_is_there_once_whatever_it_is_called(as_ann: httpx.AsyncClient, as_bob: httpx.AsyncClient) -> None:
    first = await kept(as_ann, "laptop", KNOWN)
    again = await as_ann.post("/v1/ssh-keys", json={"name": "other", "public_key": f"{KNOWN} another comment"})
    assert (again.status_code, again.json()["code"]) == (409, "already_exists")
    assert first["id"] in again.json()["detail"]
    assert await kept(as_bob, "laptop", KNOWN)


async def test_there_is_room_for_so_many(as_ann: httpx.AsyncClient, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(keys, "MOST", 1)
    await kept(as_ann, "one")
    refused = await as_ann.post("/v1/ssh-keys", json={"name": "two", "public_key": line()})
    assert (refused.status_code, refused.json()["code"]) == (409, "not_allowed")


async def test_keys_come_in_pages(as_ann: httpx.AsyncClient) -> None:
    made = [(await kept(as_ann, f"key {n}"))["id"] for n in range(5)]
    seen: list[str] = []
    cursor: str | None = None
    while True:
        page = (await as_ann.get("/v1/ssh-keys", params={"limit": "2"} | ({"cursor": cursor} if cursor else {}))).json()
        seen += [key["id"] for key in page["data"]]
        cursor = page["page"]["next_cursor"]
        if cursor is None:
            break
    assert seen == made[::-1]


async def test_other_peoples_keys_do_not_exist(
    as_ann: httpx.AsyncClient, as_bob: httpx.AsyncClient, as_staff: httpx.AsyncClient, order: Order
) -> None:
    key = await kept(as_ann, "laptop")
    path = f"/v1/ssh-keys/{key['id']}"
    for other in (as_bob, as_staff):
        assert (await other.get(path)).status_code == 404
        assert (await other.patch(path, json={"name": "mine"})).status_code == 404
        assert (await other.delete(path)).status_code == 404
    made_up = ids.show(ids.SSH_KEY, new_id())
    answers = [await as_bob.post("/v1/servers", json=order(ssh_key_ids=[id])) for id in (key["id"], made_up)]
    assert [(a.status_code, a.json()["errors"]) for a in answers] == [
        (422, [{"pointer": "/ssh_key_ids/0", "code": "unknown", "message": "You have no such SSH key."}])
    ] * 2
    assert (await as_ann.get(path)).json() == key


async def test_a_server_gets_the_keys_that_are_named_and_those_that_are_given(
    world: World, as_ann: httpx.AsyncClient, order: Order
) -> None:
    first, second, given = await kept(as_ann, "one"), await kept(as_ann, "two"), line()
    wanted = order(ssh_key_ids=[second["id"], first["id"]], ssh_keys=[given, first["public_key"]])
    server = await running(world, as_ann, wanted)
    stream = ids.parse(ids.SERVER, server)
    assert stream is not None
    requested = (await world.store.read_stream(stream))[0].event
    assert isinstance(requested, e.ServerRequested)
    assert requested.ssh_keys == [second["public_key"], first["public_key"], given]
    answer = await ask(as_ann, server, "rebuild", image="debian-12", ssh_key_ids=[first["id"]])
    assert answer.status_code == 202
    assert (await asked(world, server)).personal == {"ssh_keys": [first["public_key"]]}


async def test_keys_alone_make_up_no_password(world: World, as_ann: httpx.AsyncClient, order: Order) -> None:
    key, server = await kept(as_ann, "one"), await running(world, as_ann, order())
    answer = await ask(as_ann, server, "reset_password", ssh_key_ids=[key["id"]])
    assert answer.status_code == 202
    assert "password" not in answer.json()
    assert (await asked(world, server)).personal == {"ssh_keys": [key["public_key"]]}


@pytest.mark.parametrize(
    ("key", "why"),
    [
        ("ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIGJvYg", "copied as a whole"),
        (KNOWN.replace("ssh-ed25519", "ssh-rsa"), "no ssh-rsa key"),
        ("ssh-ed25519 AAAA", "no ssh-ed25519 key"),
        ("ssh-ed25519 A", "base64"),
    ],
)
async def test_what_is_no_key_is_refused_with_its_reason(as_ann: httpx.AsyncClient, key: str, why: str) -> None:
    answer = await as_ann.post("/v1/ssh-keys", json={"name": "x", "public_key": key})
    assert answer.status_code == 422
    assert why in answer.json()["errors"][0]["message"]
    assert answer.json()["errors"][0]["pointer"] == "/public_key"


def test_every_type_of_key_has_a_fingerprint() -> None:
    curves = (ec.SECP256R1(), ec.SECP384R1(), ec.SECP521R1())
    made = [ed25519.Ed25519PrivateKey.generate(), rsa.generate_private_key(65537, 2048)]
    for key in [*made, *(ec.generate_private_key(curve) for curve in curves)]:
        assert fingerprint(line(key)).startswith("SHA256:")


@given(st.binary(max_size=80))
def test_any_bytes_are_a_key_or_refused(blob: bytes) -> None:
    try:
        fingerprint(f"ssh-ed25519 {base64.b64encode(blob).decode()}")
    except NoKey:
        return
    raise AssertionError("random bytes are no key")
