"""Folded states as JSON: what a view keeps of a stream, so that newer events can be folded onto it."""

from __future__ import annotations

from typing import Any, TypeVar

import msgspec

S = TypeVar("S")
_decoders: dict[type, msgspec.json.Decoder[Any]] = {}


def encode(state: object) -> str:
    """A state as JSON text, fields in their declared order: equal states give equal text."""
    return msgspec.json.encode(state).decode()


def decode(cls: type[S], text: str) -> S:
    """A state from JSON text.

    Raises:
        msgspec.ValidationError: the text is of another shape; the view was written by another version.
    """
    decoder = _decoders.get(cls)
    if decoder is None:
        decoder = _decoders[cls] = msgspec.json.Decoder(cls)
    state: S = decoder.decode(text)
    return state
