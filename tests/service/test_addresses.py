"""Who had an address at that time: one answer, for staff alone."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import httpx
import pytest

from domain import ids
from runtime.ids import new_id
from service.staff import models
from tests.service.test_admin import run  # noqa: F401 - a fixture
from tests.service.test_servers import running
from tests.service.world import World

WHERE = "/v1/admin/addresses"


async def _hold(world: World, server: str, address: str, since: str, until: str | None) -> None:
    await world.store.pool.execute(
        "INSERT INTO address VALUES ($1::text::inet, $2, tstzrange($3::text::timestamptz, $4::text::timestamptz))",
        address,
        ids.parse(ids.SERVER, server),
        since,
        until,
    )


async def _who(client: httpx.AsyncClient, address: str, at: str) -> list[str]:
    answer = await client.get(f"{WHERE}/{address}", params={"at": at})
    assert answer.status_code == 200, answer.text
    models.AddressHistory.model_validate_json(answer.content)
    return [holder["server"] for holder in answer.json()["holders"]]


async def test_who_had_it_at_that_time_has_one_answer(
    world: World, as_ann: httpx.AsyncClient, as_staff: httpx.AsyncClient, order: Callable[..., Any]
) -> None:
    """The second holder, the first, and nobody between them; the name and account where the server is known."""
    now, gone = await running(world, as_ann, order()), ids.show(ids.SERVER, new_id())
    await world.project()
    await _hold(world, gone, "203.0.113.7", "2026-03-01T00:00Z", "2026-03-03T14:05:30Z")
    await _hold(world, now, "203.0.113.7", "2026-03-04T00:00Z", None)
    assert await _who(as_staff, "203.0.113.7", "2026-03-03T14:05:00Z") == [gone]
    assert await _who(as_staff, "203.0.113.7", "2026-03-03T15:05:00+01:00") == [gone]
    assert await _who(as_staff, "203.0.113.7", "2026-03-03T14:05:30") == []
    assert await _who(as_staff, "203.0.113.7", "2026-05-01T00:00:00Z") == [now]
    holders = (await as_staff.get(f"{WHERE}/203.0.113.7")).json()["holders"]
    assert [(one["server"], one["name"], one["until"] is None) for one in holders] == [
        (now, "web-1", True),
        (gone, None, False),
    ]


async def test_an_address_within_a_prefix_is_its_holders(world: World, as_staff: httpx.AsyncClient) -> None:
    """Every address of a prefix that is a server's own; and no other server may be promised one of them."""
    one, other = (ids.show(ids.SERVER, new_id()) for _ in range(2))
    await _hold(world, one, "2001:db8:0:1::/64", "2026-03-01T00:00Z", None)
    assert await _who(as_staff, "2001:db8:0:1::beef", "2026-03-02T00:00:00Z") == [one]
    assert await _who(as_staff, "2001:db8:0:2::beef", "2026-03-02T00:00:00Z") == []
    with pytest.raises(Exception, match="address_once"):
        await _hold(world, other, "2001:db8:0:1::9", "2026-03-02T00:00Z", None)


async def test_it_is_for_staff_and_says_what_is_wrong(as_ann: httpx.AsyncClient, as_staff: httpx.AsyncClient) -> None:
    assert (await as_ann.get(f"{WHERE}/203.0.113.7")).status_code == 403
    assert (await as_staff.get(f"{WHERE}/nowhere")).status_code == 422
    assert (await as_staff.get(f"{WHERE}/203.0.113.7", params={"at": "yesterday"})).status_code == 422


def test_the_command_line_answers_too(
    run: Callable[..., int],  # noqa: F811
    capsys: pytest.CaptureFixture[str],
) -> None:
    assert run("address", "203.0.113.7", "--at", "2026-03-03T14:05") == 0
    assert capsys.readouterr().out == "nobody of Hostler's had it then\n"
    assert run("address", "203.0.113.700") == 1
    assert "203.0.113.700" in capsys.readouterr().err
