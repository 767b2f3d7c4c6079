"""Every shape of every event that was ever written can be read for ever.

`golden/events.json` holds one example per type and schema version, as the log keeps it. When a class changes, its
example no longer comes back as it was written: give the type a new version with an upcaster, and add an example of it.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest

from domain.account.events import UserRegistered
from domain.record import EventType, private_fields
from domain.registry import EVENTS
from domain.server.events import CredentialsChanged, StepHeld
from eventstore.codec import Codec, UnknownEvent

EXAMPLES: dict[str, dict[str, Any]] = json.loads((Path(__file__).parent / "golden" / "events.json").read_text())
CODEC = Codec(EVENTS)
ID = UUID(int=1)
CURRENT = {f"{kind.name}@{kind.schema_v}": kind for kind in EVENTS}


def decoded(name: str) -> Any:
    type, _, version = name.partition("@")
    example = EXAMPLES[name]
    private = json.dumps(example["private"]) if example["private"] else None
    return CODEC.decode(type, int(version), json.dumps(example["data"], separators=(",", ":")), private)


@pytest.mark.parametrize("name", sorted(EXAMPLES))
def test_every_shape_ever_written_can_be_read(name: str) -> None:
    kind = next(kind for kind in EVENTS if kind.name == name.partition("@")[0])
    assert isinstance(decoded(name), kind.cls)


@pytest.mark.parametrize("name", sorted(CURRENT))
def test_the_current_shape_is_the_one_written_down(name: str) -> None:
    assert name in EXAMPLES, f"add an example of {name} to golden/events.json"
    written = CODEC.encode(decoded(name))
    private = json.loads(written.private) if written.private else {}
    assert {"data": json.loads(written.data), "private": private} == EXAMPLES[name]


@pytest.mark.parametrize("kind", EVENTS, ids=lambda kind: kind.name)
def test_every_version_has_an_example_and_a_way_up(kind: EventType) -> None:
    for version in range(1, kind.schema_v):
        assert f"{kind.name}@{version}" in EXAMPLES
        assert version in kind.upcast


def test_examples_fill_every_field() -> None:
    for name, example in EXAMPLES.items():
        empty = [key for key, value in (example["data"] | example["private"]).items() if value in (None, "", [], {})]
        assert not empty, f"{name}: {empty}"


def test_names_on_disk_are_unique() -> None:
    assert len({kind.name for kind in EVENTS}) == len({kind.cls for kind in EVENTS}) == len(EVENTS)


def test_personal_data_is_kept_beside_the_log() -> None:
    for name, kind in CURRENT.items():
        assert set(EXAMPLES[name]["private"]) == private_fields(kind.cls)
        assert not set(EXAMPLES[name]["data"]) & private_fields(kind.cls)


def test_erased_data_reads_as_erased() -> None:
    example = json.dumps(EXAMPLES["server.requested@1"]["data"], separators=(",", ":"))
    event = CODEC.decode("server.requested", 1, example, None)
    assert (event.name, event.labels, event.ssh_keys) == ("(erased)", {}, [])


def test_what_was_empty_never_reads_as_erased() -> None:
    nothing_said = StepHeld(operation_id=ID, step="clone", code="x", detail="", settled=False)
    no_keys_at_all = CredentialsChanged(operation_id=ID, in_guest=True, ssh_keys=[])
    keys_as_before = CredentialsChanged(operation_id=ID, in_guest=True)
    for event in (nothing_said, no_keys_at_all, keys_as_before):
        assert again(event) == event
        assert CODEC.encode(event).private is None
    named = UserRegistered(email="ann@example.com", role="customer")
    assert again(named) == named
    erased = again(named, erased=True)
    assert (erased.email, erased.name) == ("(erased)", "")


def again(event: Any, *, erased: bool = False) -> Any:
    written = CODEC.encode(event)
    return CODEC.decode(written.type, written.schema_v, written.data, None if erased else written.private)


def test_an_event_of_a_newer_version_is_unknown() -> None:
    for type, version in (("server.sang", 1), ("server.requested", 99)):
        with pytest.raises(UnknownEvent, match=f"'{type}' version {version}"):
            CODEC.decode(type, version, "{}", None)
