"""Whatever people may ask of a server, in rounds, with an accident at any call and a crash at any append."""

from __future__ import annotations

import contextlib
from uuid import UUID

import pytest

from domain.server import events as e
from domain.server.state import Server
from hypervisor.fake import Accident, Crash
from tests.orchestrator.acts import ACTS, Act
from tests.orchestrator.conftest import Life

pytestmark = pytest.mark.pg
ACCIDENTS = (
    Accident.CRASH_BEFORE,
    Accident.CRASH_AFTER,
    Accident.LOST_BEFORE,
    Accident.LOST_AFTER,
    Accident.UNREACHABLE,
    Accident.BUSY,
)


async def _ready(life: Life, act: Act) -> UUID:
    """A server that runs and has what the act needs."""
    server = await life.create()
    await life.settle(server)
    if act.before is not None:
        await act.before(life, server)
    life.advance(10)
    return server


async def _settled(life: Life, server: UUID) -> Server:
    """Its operation has ended, however often its worker died."""
    for _ in range(200):
        with contextlib.suppress(Crash):
            return await life.settle(server, rounds=400)
    raise AssertionError("it dies for ever")


def _check(life: Life, act: Act, state: Server) -> None:
    assert state.operation is not None
    assert state.operation.status == "succeeded", state.operation
    assert state.vmid is not None
    assert life.ours() == [state.vmid]
    act.check(life, state, life.world.guests[state.vmid])


@pytest.mark.parametrize("name", ACTS)
async def test_it_is_done(life: Life, name: str) -> None:
    act = ACTS[name]
    server = await _ready(life, act)
    called = len(life.hypervisor.calls)
    await act.ask(life, server)
    _check(life, act, await life.settle(server))
    assert tuple(call.verb for call in life.hypervisor.calls[called:]) == act.verbs
    assert await life.store.pool.fetchval("SELECT count(*) FROM secret") == 0


@pytest.mark.parametrize(("name", "verb"), [(name, verb) for name, act in ACTS.items() for verb in act.verbs])
async def test_an_accident_at_any_call_changes_nothing_in_the_end(life: Life, name: str, verb: str) -> None:
    """Lost, refused for a moment or dead in between: the goal is reached, and the log says so."""
    act = ACTS[name]
    server = await _ready(life, act)
    await act.ask(life, server)
    for accident in ACCIDENTS:
        life.hypervisor.plan(verb, accident)
    _check(life, act, await _settled(life, server))


@pytest.mark.parametrize("name", ACTS)
async def test_a_crash_at_every_append_changes_nothing_in_the_end(life: Life, name: str) -> None:
    """kill -9 right before and right after every kind of append, one after the other, in a single life."""
    act = ACTS[name]
    server = await _ready(life, act)
    await act.ask(life, server)
    life.store.survived = set()
    _check(life, act, await _settled(life, server))
    assert len(life.store.survived) >= 4


@pytest.mark.parametrize("name", ACTS)
async def test_a_guest_that_is_not_the_recorded_one_is_never_touched(life: Life, name: str) -> None:
    act = ACTS[name]
    server = await _ready(life, act)
    state = await life.state(server)
    guest = life.world.guests[state.vmid or 0]
    guest.smbios_uuid = "00000000-0000-4000-8000-00000000dead"
    if name == "backup_delete":  # a backup has no identity but its notes
        for backup in life.world.backups.values():
            backup.volume = type(backup.volume)(backup.volume.volume, guest.vmid, 1, 1, "somebody else's", False)
    before = list(life.hypervisor.calls)
    await act.ask(life, server)
    state = await life.settle(server)
    assert state.operation is not None
    assert state.operation.status == "needs_attention"
    assert life.hypervisor.calls == before


@pytest.mark.parametrize("name", ACTS)
async def test_every_call_is_preceded_by_its_intent(life: Life, name: str) -> None:
    """Whoever dies right before a call has already written down what it was going to do."""
    act = ACTS[name]
    server = await _ready(life, act)
    await act.ask(life, server)
    for verb in act.verbs:
        life.hypervisor.plan(verb, Accident.CRASH_BEFORE)
        with pytest.raises(Crash):
            await life.settle(server, rounds=400)
        last = (await life.store.read_stream(server))[-1].event
        assert isinstance(last, e.EffectIntended)
    _check(life, act, await life.settle(server, rounds=400))
