"""Where an answer leads: the calls that take an id it has, as the description tells them (OpenAPI's links)."""

from __future__ import annotations

from typing import Any

_OF_SERVER = (
    *("getServer", "changeServer", "actOnServer", "terminateServer", "listServerOperations", "listServerHistory"),
    *("listSnapshots", "listBackups"),
)
# By the name of an answer's model: where in it an id is, and which calls take it.
_LEADS = {
    "ServerAccepted": {"/server/id": _OF_SERVER, "/operation/id": ("getOperation",)},
    "OperationAccepted": {"/operation/id": ("getOperation",), "/operation/resource/id": _OF_SERVER},
}


def links(model: str) -> dict[str, Any]:
    """The links of answers of a model, by the calls they lead to; none where an answer leads nowhere."""
    return {
        name: {"operationId": name, "parameters": {"id": f"$response.body#{place}"}}
        for place, names in _LEADS.get(model, {}).items()
        for name in names
    }
