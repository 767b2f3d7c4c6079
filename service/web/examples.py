"""Examples for the description: each is made from a schema and so always fits it, with words that a reader knows.

Words are looked up by the name of a property, or of its model and the property where the name alone says too little.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any
from uuid import UUID

from domain import ids

Schema = Mapping[str, Any]

DEEPEST = 6
ID = UUID("0191f3a27c5b7d10a4c6e2f1b0d9c8a7")
MOMENT, LATER = "2026-03-01T09:30:00Z", "2026-03-02T09:30:00Z"
KEY = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIOMqqnkVzrm0SdG6UOoqKLsabgH5C9okWi0dh2l9GKJl ada@example.com"
REFERENCES = {
    "account": ids.ACCOUNT,
    "backup": ids.BACKUP,
    "blocking_operation": ids.OPERATION,
    "current_operation": ids.OPERATION,
    "invited_by": ids.USER,
    "operation": ids.OPERATION,
    "operation_id": ids.OPERATION,
    "run": ids.RUN,
    "server": ids.SERVER,
    "server_id": ids.SERVER,
    "servers": ids.SERVER,
    "session": ids.SESSION,
    "ssh_key_ids": ids.SSH_KEY,
    "user": ids.USER,
}
OBJECTS = {
    "account": ids.ACCOUNT,
    "api_token": ids.TOKEN,
    "backup": ids.BACKUP,
    "image": ids.IMAGE,
    "import_run": ids.RUN,
    "invitation": ids.INVITATION,
    "location": ids.LOCATION,
    "note": ids.NOTE,
    "operation": ids.OPERATION,
    "plan": ids.PLAN,
    "saved_view": ids.VIEW,
    "server": ids.SERVER,
    "session": ids.SESSION,
    "snapshot": ids.SNAPSHOT,
    "ssh_key": ids.SSH_KEY,
    "user": ids.USER,
    "webhook": ids.WEBHOOK,
    "webhook_delivery": ids.DELIVERY,
}
NAMES = {
    "image": "Debian 12",
    "location": "Frankfurt",
    "plan": "VPS S",
    "account": "Ada Lovelace",
    "user": "Ada Lovelace",
}
KEYS = {"image": "debian-12", "location": "fra1", "plan": "vps-s"}
WORDS: dict[str, Any] = {
    "address": "203.0.113.10",
    "amount": "9.99",
    "at": MOMENT,
    "cluster": "fra",
    "code": "123456",
    "currency": "EUR",
    "current_password": "correct horse battery",
    "cycle": "monthly",
    "default_user": "debian",
    "disk_gib": 40,
    "email": "ada@example.com",
    "expires_in": 600,
    "external_id": "billing-4711",
    "gateway": "203.0.113.1",
    "labels": {"stage": "production"},
    "limit": 50,
    "memory_mib": 2048,
    "message": "There is no such plan.",
    "name": "web-1",
    "networks": ["203.0.113.0/24"],
    "new_password": "battery staple horse",
    "node": "pve1",
    "note": "Agreed with the customer by phone.",
    "otp": "123456",
    "password": "correct horse battery",
    "pointer": "/plan",
    "prefix": 24,
    "public_key": KEY,
    "purge_at": LATER,
    "query": "status=running&sort=name",
    "rdns": "web-1.example.com",
    "reason": "The invoice of March is unpaid.",
    "request_id": ID.hex,
    "size_bytes": 2_147_483_648,
    "ssh_keys": [KEY],
    "user_agent": "Firefox on Linux",
    "text": "Pays by bank transfer, always in the first week.",
    "vcpus": 2,
    "version": 12,
    "vmid": 10_000_104,
}


# What most often is not so, or not there.
UNUSUAL = {"current_operation", "debug", "error", "last_status", "purge_at", "refused", "status_reason", "suspension"}
UNUSUAL |= {"disabled_reason", "failing_since", "previous_secret_until"}
NO = {"cancelled", "delete", "disabled", "has_more", "ignored", "maintenance", "paused", "restart_needed", "retryable"}
NO |= {"replaying"}


def illustrated(description: dict[str, Any]) -> dict[str, Any]:
    """A description in which every body and every good answer is shown by an example, too."""
    models = description["components"]["schemas"]
    for operation in (call for methods in description["paths"].values() for call in methods.values()):
        good = [answer for status, answer in operation["responses"].items() if status < "300"]
        for content in (part.get("content", {}) for part in (operation.get("requestBody", {}), *good)):
            for media in content.values():
                media["example"] = example(media["schema"], models)
    return description


def example(schema: Schema, models: Mapping[str, Schema], *, name: str = "", depth: int = 0) -> Any:
    """A value that a schema takes; `models` are those it refers to, `name` is what holds the value."""
    if "$ref" in schema:
        return example(models[schema["$ref"].rsplit("/", 1)[-1]], models, name=name, depth=depth)
    if "anyOf" in schema or "oneOf" in schema:
        return _one_of(schema.get("anyOf") or schema["oneOf"], models, name, depth)
    if "const" in schema:
        return schema["const"]
    if "enum" in schema:
        return "running" if name == "status" and "running" in schema["enum"] else schema["enum"][0]
    if schema.get("type") == "object" and "properties" in schema:
        return _object(schema, models, name, depth)
    if schema.get("type") == "array":
        return _list(schema, models, name, depth)
    return _plain(schema, name)


def _one_of(choices: Sequence[Schema], models: Mapping[str, Schema], name: str, depth: int) -> Any:
    """Of several kinds the first; nothing where that is allowed and usual, or the example would grow too deep."""
    kinds = [kind for kind in choices if kind != {"type": "null"}]
    if len(kinds) < len(choices) and (name in UNUSUAL or depth >= DEEPEST):
        return None
    return example(kinds[0], models, name=name, depth=depth)


def _object(schema: Schema, models: Mapping[str, Schema], name: str, depth: int) -> dict[str, Any]:
    kind = schema["properties"].get("object", {}).get("const", name)
    return {
        part: _property(part, kind, inner, models, depth + 1)
        for part, inner in schema["properties"].items()
        if part in schema.get("required", ()) or part in WORDS or part in REFERENCES or part in KEYS
    }


def _property(part: str, kind: str, schema: Schema, models: Mapping[str, Schema], depth: int) -> Any:
    if part == "id" and kind in OBJECTS:
        return ids.show(OBJECTS[kind], ID)
    if part == "name" and kind in NAMES:
        return NAMES[kind]
    return example(schema, models, name=kind if part in ("data", "key") else part, depth=depth)


def _list(schema: Schema, models: Mapping[str, Schema], name: str, depth: int) -> list[Any]:
    if depth >= DEEPEST and not schema.get("minItems"):
        return []
    if name in WORDS and isinstance(WORDS[name], list):
        return list(WORDS[name])
    return [example(schema.get("items", {}), models, name=name, depth=depth)]


def _plain(schema: Schema, name: str) -> Any:
    kind = schema.get("type")
    if kind == "string":
        return _text(schema, name)
    known = WORDS.get(name)
    if kind in ("integer", "number"):
        return known if isinstance(known, int) else schema.get("minimum", 1)
    if kind == "boolean":
        return schema.get("default", name not in NO)
    return known if isinstance(known, dict) else {}


def _text(schema: Schema, name: str) -> str:
    if schema.get("format") == "date-time":
        return MOMENT
    if name in REFERENCES:
        return ids.show(REFERENCES[name], ID)
    known = KEYS.get(name) or WORDS.get(name)
    return known if isinstance(known, str) else str(schema.get("default") or "text")
