"""Every call there is, as the OpenAPI document says, and bodies made up from its schemas."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote

from service.app import ENDPOINTS
from service.web import openapi

DESCRIPTION = openapi.describe(ENDPOINTS)
SCHEMAS: dict[str, Any] = DESCRIPTION["components"]["schemas"]
STAFF = ("/v1/admin/", "/v1/billing/")
KEY = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIAABAgMEBQYHCAkKCwwNDg8QERITFBUWFxgZGhscHR4f web"
# What a schema cannot say of a value that would be taken.
TAKEN: dict[str, Any] = {
    "name": "web-9",
    "plan": "small",
    "image": "debian-12",
    "location": "fra1",
    "public_key": KEY,
    "ssh_keys": KEY,
    "email": "new@example.com",
    "networks": "192.0.2.0/24",
    "scopes": "read",
    "role": "viewer",
    "expires_at": "2199-01-01T00:00:00Z",
    "url": "https://127.0.0.1:1/hostler",
    "password": "a better horse battery",
    "user_data": "#!/bin/sh\n",
    "query": "sort=name",
}


@dataclass(frozen=True)
class Call:
    """A method of an address."""

    method: str
    path: str
    said: dict[str, Any]

    @property
    def name(self) -> str:
        """What it is called."""
        return str(self.said["operationId"])

    @property
    def public(self) -> bool:
        """Whether it needs no token."""
        return self.said.get("security") == []

    @property
    def staff(self) -> bool:
        """Whether it is for staff alone."""
        return self.path.startswith(STAFF)

    @property
    def makes(self) -> bool:
        """Whether something is there afterwards that was not before."""
        return self.method == "POST" and ("201" in self.said["responses"] or self.path.endswith("/ping"))

    @property
    def streams(self) -> bool:
        """Whether its answer never ends."""
        return any("text/event-stream" in answer.get("content", {}) for answer in self.said["responses"].values())

    @property
    def body(self) -> dict[str, Any] | None:
        """The schema of its body."""
        found = self.said.get("requestBody")
        return found["content"]["application/json"]["schema"] if found else None

    @property
    def places(self) -> list[str]:
        """The parameters of its address."""
        return re.findall(r"{(\w+)}", self.path)

    def parameters(self, where: str) -> list[str]:
        """The names of its parameters in the query, or in headers, that take any text."""
        texts = [one for one in self.said["parameters"] if one["schema"].keys() & {"enum", "minimum"} == set()]
        return [one["name"] for one in texts if one["in"] == where and one["schema"].get("type") != "boolean"]

    def at(self, *values: str) -> str:
        """Its address, with values in their places."""
        found = iter(values)
        return re.sub(r"{\w+}", lambda _: quote(next(found), safe=""), self.path)


CALLS = [
    Call(method.upper(), path, said)
    for path, methods in DESCRIPTION["paths"].items()
    for method, said in methods.items()
]
GUARDED = [call for call in CALLS if not call.public]
OWN = [call for call in GUARDED if not call.staff and not call.streams]


def bodies(schema: dict[str, Any]) -> list[Any]:
    """A body of each kind that a schema has, every field of it filled in."""
    schema = _resolved(schema)
    if "discriminator" in schema:
        mapping = schema["discriminator"]["mapping"]
        return [{**_filled(_resolved({"$ref": ref})), "type": type} for type, ref in mapping.items()]
    return [_filled(schema)]


def leaves(value: Any, at: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    """The places of all texts in a body, but for the type of one of several."""
    if isinstance(value, str) and at != ("type",):
        yield at
    inside = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for key, part in inside:
        yield from leaves(part, (*at, key))


def objects(value: Any, at: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    """The places of all objects in a body whose fields have fixed names."""
    if isinstance(value, dict) and at[-1:] != ("labels",):
        yield at
        for key, part in value.items():
            yield from objects(part, (*at, key))


def put(body: Any, at: tuple[Any, ...], value: Any) -> Any:
    """The body with another value in a place."""
    if not at:
        return value
    copy = dict(body) if isinstance(body, dict) else list(body)
    copy[at[0]] = put(copy[at[0]], at[1:], value)
    return copy


def found(body: Any, at: tuple[Any, ...]) -> Any:
    """What is in a place of a body."""
    for key in at:
        body = body[key]
    return body


def _filled(schema: dict[str, Any]) -> dict[str, Any]:
    return {name: _value(name, part) for name, part in schema.get("properties", {}).items()}


def _value(name: str, schema: dict[str, Any]) -> Any:
    schema = _resolved(schema)
    if "anyOf" in schema:
        return _value(name, next(one for one in schema["anyOf"] if one != {"type": "null"}))
    if "const" in schema:
        return schema["const"]
    if "enum" in schema:
        return TAKEN[name] if TAKEN.get(name) in schema["enum"] else schema["enum"][0]
    made = {"array": _list, "object": _object, "string": _text, "boolean": _false, "integer": _least, "number": _least}
    return made[schema.get("type", "string")](name, schema)


def _list(name: str, schema: dict[str, Any]) -> list[Any]:
    return [_value(name, schema["items"])]


def _object(name: str, schema: dict[str, Any]) -> dict[str, Any]:
    return _filled(schema) if "properties" in schema else {"team": "a"}


def _text(name: str, schema: dict[str, Any]) -> str:
    return str(TAKEN.get(name, "123456" if schema.get("pattern") == "^[0-9]{6}$" else "x" * schema.get("minLength", 1)))


def _false(name: str, schema: dict[str, Any]) -> bool:
    return False


def _least(name: str, schema: dict[str, Any]) -> int:
    return int(schema.get("minimum", 1))


def _resolved(schema: dict[str, Any]) -> dict[str, Any]:
    reference = schema.get("$ref")
    found: dict[str, Any] = SCHEMAS[reference.rpartition("/")[2]] if reference else schema
    return found
