"""Events to JSON and back: the private part apart from the rest, old shapes brought up to date."""

from __future__ import annotations

import typing
from collections.abc import Callable, Iterable
from dataclasses import fields
from functools import cached_property, lru_cache, partial
from typing import Any

import msgspec

from domain.record import ERASED, EventType, Meta, private_fields

Reader = Callable[[str, "str | None"], Any]  # data and private part as the log keeps them -> the event


class UnknownEvent(Exception):
    """The log holds an event this version does not know; it was written by a newer one."""


class Encoded(typing.NamedTuple):
    """An event as the log keeps it."""

    type: str
    schema_v: int
    data: str
    private: str | None


class _Shape:
    """How one event class is written and read. What reading takes is made when it is first needed: there are many
    classes, and programs that start quickly need few.
    """

    def __init__(self, kind: EventType):
        self.kind = kind
        self.private = private_fields(kind.cls)

    @cached_property
    def shown(self) -> tuple[str, ...]:
        """The fields that are not private."""
        return tuple(f.name for f in fields(self.kind.cls) if f.name not in self.private)

    @cached_property
    def decoder(self) -> msgspec.json.Decoder[Any]:
        return msgspec.json.Decoder(self.kind.cls)

    @cached_property
    def erased(self) -> dict[str, Any]:
        """What each private field reads as once it is erased."""
        hints = typing.get_type_hints(self.kind.cls)
        return {name: _erased_value(hints[name]) for name in self.private}

    @cached_property
    def erased_text(self) -> str:
        return msgspec.json.encode(self.erased).decode()

    def encode(self, event: object) -> Encoded:
        """What is empty is nobody's personal data: where it would read otherwise once erased, it lies in the log."""
        values = {name: getattr(event, name) for name in self.shown}
        private: dict[str, Any] = {}
        for name, gone in self.erased.items():
            value = getattr(event, name)
            (private if value or value == gone else values)[name] = value
        return Encoded(
            self.kind.name,
            self.kind.schema_v,
            msgspec.json.encode(values).decode(),
            msgspec.json.encode(private).decode() if any(private.values()) else None,
        )

    def reader(self, schema_v: int) -> Reader:
        """What reads events of one version of the class."""
        read = self.decoder.decode if schema_v == self.kind.schema_v else partial(self._read_older, schema_v)
        return partial(self._read_joined, read) if self.private else partial(_read_shown, read)

    def _read_joined(self, read: Callable[[str], Any], data: str, private: str | None) -> Any:
        """Of two values of one field the latter counts: what lies in the log was never erased."""
        return read(_spliced(data, private) if private is not None else _spliced(self.erased_text, data))

    def _read_older(self, schema_v: int, text: str) -> Any:
        return msgspec.convert(self._upcast(schema_v, msgspec.json.decode(text)), self.kind.cls, strict=False)

    def _upcast(self, schema_v: int, plain: dict[str, Any]) -> dict[str, Any]:
        for version in range(schema_v, self.kind.schema_v):
            plain = self.kind.upcast[version](plain)
        return plain


class Codec:
    """The only door between event classes and the log's JSON."""

    def __init__(self, events: Iterable[EventType]):
        shapes = [_Shape(kind) for kind in events]
        self._by_name = {shape.kind.name: shape for shape in shapes}
        self._by_class = {shape.kind.cls: shape for shape in shapes}
        self._readers: dict[tuple[str, int], Reader] = {}

    def encode(self, event: object) -> Encoded:
        """An event as the log keeps it; its private part is None when it holds nothing."""
        return self._by_class[type(event)].encode(event)

    def decode(self, type: str, schema_v: int, data: str, private: str | None) -> Any:
        """An event from the log.

        Raises:
            UnknownEvent: no class of this version reads that type.
        """
        read = self._readers.get((type, schema_v))
        if read is None:
            read = self._readers[type, schema_v] = self._reader(type, schema_v)
        return read(data, private)

    def _reader(self, type: str, schema_v: int) -> Reader:
        shape = self._by_name.get(type)
        if shape is None or schema_v > shape.kind.schema_v:
            raise UnknownEvent(f"event type {type!r} version {schema_v} is unknown to this version of Hostler")
        return shape.reader(schema_v)

    def has_private(self, event: object) -> bool:
        """Whether an event of this class may hold personal data."""
        return bool(self._by_class[type(event)].private)


def _read_shown(read: Callable[[str], Any], data: str, private: str | None) -> Any:
    return read(data)


_meta = msgspec.json.Decoder(Meta)


def encode_meta(meta: Meta) -> str:
    """Meta as JSON text."""
    return msgspec.json.encode(meta).decode()


@lru_cache(maxsize=1024)  # all events of one request or one operation say the same
def decode_meta(text: str) -> Meta:
    """Meta from JSON text."""
    return _meta.decode(text)


def _spliced(one: str, other: str) -> str:
    """Two JSON objects as one, without parsing either."""
    if other == "{}":
        return one
    return other if one == "{}" else f"{one[:-1]},{other[1:]}"


def _erased_value(hint: Any) -> Any:
    if type(None) in typing.get_args(hint):
        return None
    if hint is str:
        return ERASED
    return [] if typing.get_origin(hint) is list else {}
