"""The OpenAPI 3.1 description, made from the routes and the models that check requests.

`python -m service.web.openapi` prints it.
"""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from importlib import metadata
from typing import Any

from pydantic import BaseModel
from pydantic.json_schema import models_json_schema
from starlette.requests import Request
from starlette.responses import Response

from service.web import models
from service.web.deprecation import Handler
from service.web.endpoint import Endpoint
from service.web.links import links
from service.web.problems import KINDS, MEDIA_TYPE

REFERENCE = "#/components/schemas/{model}"
HEADERS = {
    "Idempotency-Key": "The same key with the same request gets the first answer again, and nothing is done twice.",
    "If-Match": "Only if the server still has this version (a version, or an ETag).",
    "If-None-Match": "304 if the representation still has this ETag.",
    "Prefer": "`wait=N`: answer when the operation has ended, or after N seconds (30 at most).",
    "Last-Event-ID": "Resume after this message.",
}
ALWAYS = (400, 500, 503)
WORDS = {
    200: "Done",
    201: "Made",
    202: "Accepted: it goes on",
    204: "Done",
    303: "Go on there",
    304: "Unchanged",
    503: "Not ready",
}


def describe(endpoints: Sequence[Endpoint]) -> dict[str, Any]:
    """The whole description."""
    paths: dict[str, Any] = {}
    for endpoint in endpoints:
        paths.setdefault(endpoint.path, {})[endpoint.method.lower()] = _operation(endpoint)
    return {
        "openapi": "3.1.0",
        "info": {
            "title": "Hostler",
            "version": metadata.version("hostler"),
            "description": "Virtual servers on Proxmox VE: order them, run them, follow what happens to them.",
        },
        "servers": [{"url": "/"}],
        "security": [{"bearer": []}],
        "paths": paths,
        "components": {
            "securitySchemes": {
                "bearer": {"type": "http", "scheme": "bearer", "bearerFormat": "JWT"},
                "refresh": {"type": "apiKey", "in": "cookie", "name": "hostler_refresh"},
            },
            "schemas": _schemas(endpoints),
        },
    }


def _schemas(endpoints: Sequence[Endpoint]) -> dict[str, Any]:
    answers = {model for endpoint in endpoints for model in endpoint.answers.values() if model is not None}
    bodies = {endpoint.body for endpoint in endpoints if endpoint.body is not None}
    used: list[tuple[type[BaseModel], Any]] = [(models.Problem, "serialization")]
    used += [(model, "serialization") for model in answers]
    used += [(model, "validation") for model in bodies]
    used.sort(key=lambda pair: pair[0].__name__)
    _, schema = models_json_schema(used, ref_template=REFERENCE)
    definitions: dict[str, Any] = schema["$defs"]
    return {name: _untitled(definitions[name]) for name in sorted(definitions)}


def _operation(endpoint: Endpoint) -> dict[str, Any]:
    shown: dict[str, Any] = {
        "operationId": endpoint.name,
        "summary": endpoint.summary,
        "tags": [endpoint.tag],
        "parameters": [*_path_parameters(endpoint), *_query_parameters(endpoint), *_header_parameters(endpoint)],
        "responses": {str(status): _answer(endpoint, status) for status in endpoint.answers} | _problems(endpoint),
    }
    if endpoint.body is not None:
        content = {"application/json": {"schema": {"$ref": REFERENCE.format(model=endpoint.body.__name__)}}}
        shown["requestBody"] = {"required": True, "content": content}
    if endpoint.public:
        shown["security"] = []
    if endpoint.words:
        shown["description"] = endpoint.words
    if endpoint.deprecated is not None:
        shown |= {"deprecated": True, "description": endpoint.deprecated.words}
    return shown


def _path_parameters(endpoint: Endpoint) -> list[dict[str, Any]]:
    names = re.findall(r"{(\w+)}", endpoint.path)
    return [{"name": name, "in": "path", "required": True, "schema": {"type": "string"}} for name in names]


def _query_parameters(endpoint: Endpoint) -> list[dict[str, Any]]:
    if endpoint.query is None:
        return []
    properties = endpoint.query.model_json_schema(mode="validation", ref_template=REFERENCE)["properties"]
    return [
        {"name": name, "in": "query", "required": False, "schema": _present(_untitled(schema))}
        for name, schema in properties.items()
    ]


def _present(schema: dict[str, Any]) -> dict[str, Any]:
    """A parameter is left out, never null."""
    kinds = [kind for kind in schema.get("anyOf", []) if kind != {"type": "null"}]
    rest = {key: value for key, value in schema.items() if key not in ("anyOf", "default") or value is not None}
    rest.pop("anyOf", None)
    return {**rest, **kinds[0]} if kinds else rest


def _header_parameters(endpoint: Endpoint) -> list[dict[str, Any]]:
    return [
        {
            "name": name,
            "in": "header",
            "required": False,
            "description": HEADERS[name],
            "schema": {"type": "string", "minLength": 1, "maxLength": 255},
        }
        for name in endpoint.headers
    ]


def _answer(endpoint: Endpoint, status: int) -> dict[str, Any]:
    shown: dict[str, Any] = {"description": WORDS[status]}
    model = endpoint.answers[status]
    if model is not None:
        schema = {"$ref": REFERENCE.format(model=model.__name__)}
        shown["content"] = {endpoint.media: {"schema": schema}}
        shown |= {"links": leads} if (leads := links(model.__name__)) else {}
    elif endpoint.media != "application/json":
        shown["content"] = {endpoint.media: {"schema": {"type": "string"}}}
    return shown


def _problems(endpoint: Endpoint) -> dict[str, Any]:
    statuses = {*ALWAYS, *endpoint.problems, *(() if endpoint.public else (401, 429))} - set(endpoint.answers)
    return {str(status): _problem(status) for status in sorted(statuses)}


def _problem(status: int) -> dict[str, Any]:
    codes = ", ".join(code for code, kind in KINDS.items() if kind.status == status)
    schema = {"$ref": REFERENCE.format(model="Problem")}
    return {"description": f"Problem: {codes}", "content": {MEDIA_TYPE: {"schema": schema}}}


def _untitled(schema: Any) -> Any:
    """Without the titles that pydantic makes from field names: they say nothing."""
    if isinstance(schema, list):
        return [_untitled(item) for item in schema]
    if not isinstance(schema, dict):
        return schema
    return {key: _untitled(value) for key, value in schema.items() if not (key == "title" and isinstance(value, str))}


def text(description: dict[str, Any]) -> str:
    """A description as JSON text."""
    return json.dumps(description, indent=2, ensure_ascii=False) + "\n"


def handler(data: str) -> Handler:
    """A handler that answers with the description."""

    async def show_openapi(req: Request) -> Response:
        return Response(data, media_type="application/json", headers={"Cache-Control": "no-cache"})

    return show_openapi


def main() -> None:
    """Print the description of this service, without examples."""
    from service.app import ENDPOINTS  # the application serves this module's description of it

    print(text(describe(ENDPOINTS)), end="")


if __name__ == "__main__":
    main()
