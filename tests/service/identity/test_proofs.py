"""By what a user proves who they are: passwords, second factors, sessions; and who hears of it when they end."""

from __future__ import annotations

import httpx
import pyotp
import pytest

from domain.account import events as a
from runtime.settings import Settings
from service.deps import opened
from service.identity import models
from tests.service.world import PASSWORD, Person, World

ME = "/v1/users/me"
NEW = "a better horse battery"


async def signed_in(client: httpx.AsyncClient, person: Person, **more: str) -> httpx.Response:
    body = {"email": person.email, "password": PASSWORD} | more
    answer = await client.post("/v1/login", json=body)
    if answer.status_code == 200:
        client.headers["Authorization"] = f"Bearer {answer.json()['access_token']}"
    return answer


async def happened(world: World, person: Person) -> list[type]:
    return [type(record.event) for record in await world.store.read_stream(person.id)]


async def test_a_name_is_changed(world: World, ann: Person, as_ann: httpx.AsyncClient) -> None:
    answer = await as_ann.patch(ME, json={"name": "Ann Other"})
    assert (answer.status_code, answer.json()["name"]) == (200, "Ann Other")
    models.User.model_validate_json(answer.content)
    assert (await as_ann.get(ME)).json()["name"] == "Ann Other"
    assert (await as_ann.patch(ME, json={"name": "Ann Other"})).status_code == 200
    assert (await happened(world, ann)).count(a.UserRenamed) == 1
    assert (await as_ann.patch(ME, json={"role": "admin"})).status_code == 422


async def test_a_new_password_ends_every_other_session(world: World, ann: Person, as_ann: httpx.AsyncClient) -> None:
    async with world.anonymous() as other:
        await signed_in(other, ann)
        assert (await other.get(ME)).status_code == 200
        changed = await as_ann.put(f"{ME}/password", json={"current_password": PASSWORD, "password": NEW})
        assert changed.status_code == 204
        assert (await other.get(ME)).status_code == 401
        assert (await as_ann.get(ME)).status_code == 200
        assert (await signed_in(other, ann)).status_code == 401
        assert (await signed_in(other, ann, password=NEW)).status_code == 200
    assert (await happened(world, ann)).count(a.PasswordChanged) == 1


@pytest.mark.parametrize(
    ("body", "status"),
    [
        ({"current_password": "wrong", "password": NEW}, 401),
        ({"current_password": PASSWORD, "password": "short"}, 422),
        ({"current_password": PASSWORD, "password": "aaaaaaaaaaaa"}, 422),
        ({"current_password": PASSWORD, "password": "ANN@example.com"}, 422),
        ({"current_password": PASSWORD}, 422),
    ],
)
async def test_a_password_is_not_changed_lightly(
    world: World, ann: Person, as_ann: httpx.AsyncClient, body: dict[str, str], status: int
) -> None:
    assert (await as_ann.put(f"{ME}/password", json=body)).status_code == status
    assert a.PasswordChanged not in await happened(world, ann)


async def test_sessions_are_listed_and_ended(world: World, ann: Person, as_bob: httpx.AsyncClient) -> None:
    async with world.anonymous() as one, world.anonymous() as two:
        one.headers["User-Agent"] = "Browser One"
        await signed_in(one, ann)
        await signed_in(two, ann)
        listed = await one.get(f"{ME}/sessions")
        models.OpenSessions.model_validate_json(listed.content)
        (mine,) = [s for s in listed.json()["data"] if s["current"]]
        (other,) = [s for s in listed.json()["data"] if not s["current"]]
        assert (mine["user_agent"], mine["address"]) == ("Browser One", "127.0.0.1")
        assert (await as_bob.delete(f"{ME}/sessions/{other['id']}")).status_code == 404
        assert (await two.get(ME)).status_code == 200
        assert (await one.delete(f"{ME}/sessions/{other['id']}")).status_code == 204
        assert (await two.get(ME)).status_code == 401
        assert (await one.delete(f"{ME}/sessions/{other['id']}")).status_code == 404
        await signed_in(two, ann)
        assert (await two.delete(f"{ME}/sessions")).status_code == 204
        assert (await one.get(ME)).status_code == 401
        assert len((await two.get(f"{ME}/sessions")).json()["data"]) == 1


async def test_a_session_that_ends_in_one_process_opens_nothing_in_another(
    world: World, ann: Person, settings: Settings
) -> None:
    async with opened(settings) as deps:
        elsewhere = World(deps, world.url)
        await elsewhere.until(lambda: deps.tokens.hearing)
        async with world.anonymous() as here, elsewhere.anonymous() as there:
            await signed_in(here, ann)
            there.headers["Authorization"] = here.headers["Authorization"]
            assert (await there.get(ME)).status_code == 200
            assert deps.tokens.remembered == 1
            assert (await here.post("/v1/logout")).status_code == 204
            await elsewhere.until(lambda: deps.tokens.remembered == 0)
            assert (await there.get(ME)).status_code == 401


async def enrolled(client: httpx.AsyncClient) -> tuple[pyotp.TOTP, list[str]]:
    """Turn the second factor on: its codes, and the recovery codes."""
    offered = await client.post(f"{ME}/two-factor")
    assert offered.status_code == 201
    models.TwoFactorOffer.model_validate_json(offered.content)
    totp = pyotp.TOTP(offered.json()["secret"])
    parsed = pyotp.parse_uri(offered.json()["uri"])
    assert (parsed.secret, parsed.issuer) == (totp.secret, "Hostler")
    confirmed = await client.post(f"{ME}/two-factor/confirm", json={"otp": totp.now()})
    assert confirmed.status_code == 200
    models.RecoveryCodes.model_validate_json(confirmed.content)
    return totp, confirmed.json()["codes"]


async def rewind(world: World) -> None:
    """As if the last code had been used long ago."""
    await world.store.pool.execute("UPDATE two_factor SET last_step = 0")


async def test_a_second_factor_is_asked_for(world: World, ann: Person, as_ann: httpx.AsyncClient) -> None:
    assert (await as_ann.get(f"{ME}/two-factor")).json()["enabled"] is False
    totp, _ = await enrolled(as_ann)
    assert (await as_ann.get(f"{ME}/two-factor")).json() == {
        "object": "two_factor",
        "enabled": True,
        "recovery_codes_left": 10,
    }
    async with world.anonymous() as client:
        refused = await signed_in(client, ann)
        assert (refused.status_code, refused.json()["code"]) == (401, "otp_required")
        assert (await signed_in(client, ann, password="wrong")).json()["code"] == "invalid_credentials"
        assert (await signed_in(client, ann, otp="000000")).json()["code"] == "invalid_credentials"
        await rewind(world)
        right = totp.now()
        assert (await signed_in(client, ann, otp=right)).status_code == 200
        assert (await signed_in(client, ann, otp=right)).status_code == 401  # a code holds once
    assert (await happened(world, ann)).count(a.TwoFactorEnabled) == 1


async def test_the_code_that_confirmed_opens_nothing(world: World, ann: Person, as_ann: httpx.AsyncClient) -> None:
    totp, _ = await enrolled(as_ann)
    step = await world.store.pool.fetchval("SELECT last_step FROM two_factor")
    async with world.anonymous() as client:
        assert (await signed_in(client, ann, otp=totp.generate_otp(step))).status_code == 401


async def test_a_recovery_code_opens_once(world: World, ann: Person, as_ann: httpx.AsyncClient) -> None:
    _, codes = await enrolled(as_ann)
    async with world.anonymous() as client:
        assert (await signed_in(client, ann, otp=codes[0].upper())).status_code == 200
        assert (await signed_in(client, ann, otp=codes[0])).status_code == 401
        assert (await client.get(f"{ME}/two-factor")).json()["recovery_codes_left"] == 9
        renewed = (await client.post(f"{ME}/two-factor/recovery-codes")).json()["codes"]
        assert (await signed_in(client, ann, otp=codes[1])).status_code == 401
        assert (await signed_in(client, ann, otp=renewed[1])).status_code == 200
    used = [r.event for r in await world.store.read_stream(ann.id) if isinstance(r.event, a.RecoveryCodeUsed)]
    assert [event.left for event in used] == [9, 9]


async def test_guessing_codes_is_slowed_down(world: World, ann: Person, as_ann: httpx.AsyncClient) -> None:
    await enrolled(as_ann)
    async with world.anonymous() as client:
        answers = [(await signed_in(client, ann, otp="000000")).status_code for _ in range(12)]
    assert answers[:5] == [401] * 5
    assert 429 in answers  # the pause doubles with every failure: sooner or later it is longer than an attempt takes


async def test_a_second_factor_is_turned_off(world: World, ann: Person, as_ann: httpx.AsyncClient) -> None:
    assert (await as_ann.delete(f"{ME}/two-factor")).status_code == 404
    await enrolled(as_ann)
    assert (await as_ann.post(f"{ME}/two-factor")).status_code == 409
    assert (await as_ann.delete(f"{ME}/two-factor")).status_code == 204
    async with world.anonymous() as client:
        assert (await signed_in(client, ann)).status_code == 200
    assert (await happened(world, ann))[-2:] == [a.TwoFactorEnabled, a.TwoFactorDisabled]


async def test_what_is_dangerous_takes_a_fresh_proof(world: World, ann: Person, as_ann: httpx.AsyncClient) -> None:
    await world.store.pool.execute("UPDATE session SET proved_at = now() - interval '1 hour'")
    dangerous = [
        ("POST", f"{ME}/two-factor", None),
        ("DELETE", f"{ME}/two-factor", None),
        ("POST", f"{ME}/two-factor/recovery-codes", None),
        ("POST", f"{ME}/tokens", {"name": "ci", "scopes": ["read"]}),
    ]
    for method, path, body in dangerous:
        answer = await as_ann.request(method, path, json=body)
        assert (answer.status_code, answer.json()["code"]) == (403, "step_up_required"), path
    assert (await as_ann.post(f"{ME}/proof", json={"password": "wrong"})).status_code == 401
    assert (await as_ann.post(f"{ME}/proof", json={"password": PASSWORD})).status_code == 204
    assert (await as_ann.post(f"{ME}/two-factor")).status_code == 201


async def test_secrets_of_the_second_factor_are_nowhere_in_the_clear(
    world: World, ann: Person, as_ann: httpx.AsyncClient
) -> None:
    totp, codes = await enrolled(as_ann)
    rows = await world.store.pool.fetch(
        "SELECT t::text FROM two_factor t UNION ALL SELECT r::text FROM recovery_code r"
    )
    kept = " ".join(row[0] for row in rows)
    for secret in (totp.secret, *codes):
        assert secret not in kept
        assert secret.encode().hex() not in kept
