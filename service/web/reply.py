"""Answers: JSON, with an entity tag where the same thing is asked for again and again."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from typing import Any

import msgspec
from starlette.requests import Request
from starlette.responses import Response

encode = msgspec.json.Encoder().encode


def reply(body: Any, status: int = 200, headers: Mapping[str, str] | None = None) -> Response:
    """A JSON answer that nobody may keep."""
    return written(encode(body), status, headers)


def written(data: bytes, status: int = 200, headers: Mapping[str, str] | None = None) -> Response:
    """The same of what is JSON already."""
    return Response(data, status, {"Cache-Control": "no-store", **(headers or {})}, "application/json")


def tagged(request: Request, body: dict[str, Any]) -> Response:
    """A JSON answer with a strong entity tag over the representation, or 304 when the caller has just that."""
    data = encode(body)
    tag = entity_tag(body, data)
    headers = {"ETag": tag, "Cache-Control": "private, no-cache", "Vary": "Authorization"}
    if _has(request.headers.get("if-none-match", ""), tag):
        return Response(status_code=304, headers=headers)
    return Response(data, 200, headers, "application/json")


def entity_tag(body: dict[str, Any], data: bytes) -> str:
    """The strong entity tag of a representation: its version, and a hash of every byte."""
    return f'"{body["version"]}-{hashlib.blake2b(data, digest_size=12).hexdigest()}"'


def _has(given: str, tag: str) -> bool:
    tags = [text.strip().removeprefix("W/") for text in given.split(",")]
    return tag in tags or given.strip() == "*"
