"""Access tokens: only those that we signed for this API, with a key that holds, open anything."""

from __future__ import annotations

import httpx
import pytest
from joserfc import jwt
from joserfc.jwk import KeySet

from domain import ids
from runtime.ids import new_id
from runtime.sealing import Seal
from runtime.settings import Settings, SettingsError
from service.deps import opened
from service.identity import models
from service.identity.signing_keys import Keys, rotate
from service.identity.statements import SQL
from service.identity.tokens import ExpiredToken, InvalidToken, UnknownKey
from tests.service.forgery import forged, token
from tests.service.world import Person, World

ME = "/v1/users/me"


async def rotated(world: World, seconds: float) -> str:
    async with world.store.pool.acquire() as connection:
        return await rotate(connection, world.deps.seal, seconds)


async def test_the_least_forgery_is_refused(world: World, ann: Person) -> None:
    session = new_id()
    await world.store.pool.execute(SQL.open_session, session, ann.id, 3600.0, session.bytes, "127.0.0.1", "")
    user, wrong = ids.show(ids.USER, ann.id), {}
    async with world.anonymous() as client:
        right = {"Authorization": f"Bearer {token(world.deps.tokens, session, user)}"}
        assert (await client.get(ME, headers=right)).status_code == 200
        for name, given in forged(world.deps.tokens, session, user).items():
            answer = await client.get(ME, headers={"Authorization": f"Bearer {given}"})
            wrong[name] = answer.status_code, answer.json()["code"], answer.headers["www-authenticate"]
    refused = (401, "unauthorized", 'Bearer error="invalid_token"')
    assert wrong == dict.fromkeys(wrong, refused) | {"expired": (401, "token_expired", refused[2])}


async def test_programs_can_check_a_token_by_the_published_keys(world: World, ann: Person) -> None:
    signed = await world.token(ann)
    async with world.anonymous() as client:
        answer = await client.get("/.well-known/jwks.json")
    models.JsonWebKeys.model_validate_json(answer.content)
    assert "d" not in answer.json()["keys"][0]
    read = jwt.decode(signed, KeySet.import_key_set(answer.json()), algorithms=["Ed25519"])
    assert read.claims["sub"] == ids.show(ids.USER, ann.id)


async def test_a_rotated_key_holds_until_its_tokens_end(world: World, ann: Person) -> None:
    before, keys = await world.token(ann), world.deps.tokens.keys
    old = keys.signing.kid
    new = await rotated(world, 60)
    await world.until(lambda: keys.signing.kid == new)
    after = await world.token(ann)
    async with world.anonymous() as client:
        for given in (before, after):
            assert (await client.get(ME, headers={"Authorization": f"Bearer {given}"})).status_code == 200
        published = (await client.get("/.well-known/jwks.json")).json()["keys"]
    assert [key["kid"] for key in published] == [new, old]
    sealed = await world.store.pool.fetch("SELECT kid FROM signing_key WHERE sealed IS NOT NULL")
    assert [row["kid"] for row in sealed] == [new]


async def test_a_key_that_others_may_know_holds_no_longer(world: World, ann: Person) -> None:
    await world.until(lambda: world.deps.tokens.hearing)
    async with await world.signed_in(ann) as client:
        assert (await client.get(ME)).status_code == 200
        assert world.deps.tokens.remembered == 1
        new = await rotated(world, 0)
        await world.until(lambda: world.deps.tokens.keys.signing.kid == new)
        assert (await client.get(ME)).status_code == 401


async def test_a_key_this_process_has_not_heard_of_is_looked_up(
    world: World, settings: Settings, ann: Person, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("service.identity.tokens.Tokens.keys_changed", lambda self: None)
    await rotated(world, 60)
    async with opened(settings) as elsewhere:
        signed = elsewhere.tokens.sign(ann.id, "customer", new_id())
    with pytest.raises(UnknownKey):
        world.deps.tokens.verify(signed)
    monkeypatch.setattr("service.identity.signing_keys.PAUSE_SECONDS", 0.0)
    async with world.anonymous(Authorization=f"Bearer {signed}") as client:
        assert "session of this access token" in (await client.get(ME)).json()["detail"]


async def test_all_processes_begin_with_the_same_key(world: World, settings: Settings) -> None:
    async with opened(settings) as elsewhere:
        assert elsewhere.tokens.keys.signing.kid == world.deps.tokens.keys.signing.kid


async def test_without_a_file_the_first_key_is_made(world: World) -> None:
    await world.store.pool.execute("DELETE FROM signing_key")
    keys = Keys(world.store.pool, world.deps.seal, None)
    assert await keys.read()
    assert not await keys.read()


async def test_a_key_sealed_with_another_secret_is_named(world: World) -> None:
    with pytest.raises(SettingsError, match=r"auth\.secret_key_file"):
        await Keys(world.store.pool, Seal(bytes(32)), None).read()


async def test_expired_is_not_forged(world: World, ann: Person) -> None:
    user = ids.show(ids.USER, ann.id)
    wrong = forged(world.deps.tokens, new_id(), user)
    with pytest.raises(ExpiredToken):
        world.deps.tokens.verify(wrong["expired"])
    assert world.deps.tokens.verify(wrong["expired"], expired=True).user_id == ann.id
    with pytest.raises(InvalidToken):
        world.deps.tokens.verify(wrong["other audience"], expired=True)


@pytest.mark.parametrize("header", ["", "Bearer", "Bearer ", "Basic YTpi", "Bearer a.b.c", "Bearer " + "x" * 5000])
async def test_what_is_no_token_is_refused(world: World, header: str) -> None:
    async with world.anonymous(Authorization=header) as client:
        answer: httpx.Response = await client.get("/v1/servers")
    assert answer.status_code == 401
