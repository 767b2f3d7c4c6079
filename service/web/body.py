"""Requests read with models: the body in JSON, and the parameters of the address."""

from __future__ import annotations

from typing import TypeVar

from pydantic import BaseModel, RootModel, ValidationError
from pydantic_core import ErrorDetails
from starlette.requests import Request

from service.web.problems import Fault, Problem

LIMIT = 1024 * 1024
M = TypeVar("M", bound=BaseModel)
_PLAINER = {
    "extra_forbidden": "There is no such field.",
    "missing": "This is missing.",
    "string_pattern_mismatch": "This has characters, or a form, that are not allowed here.",
}


async def body(request: Request, model: type[M]) -> M:
    """The body as a model.

    Raises:
        Problem: too large, not JSON, malformed, or values that the model refuses.
    """
    _check_headers(request)
    return _checked(model, await _read(request))


def query(request: Request, model: type[M]) -> M:
    """The parameters of the address as a model.

    Raises:
        Problem: values that the model refuses.
    """
    try:
        return model.model_validate(dict(request.query_params))
    except ValidationError as error:
        raise _problem(error.errors(include_url=False, include_context=False)) from None


def _check_headers(request: Request) -> None:
    length = request.headers.get("content-length", "")
    if length.isascii() and length.isdigit() and int(length) > LIMIT:
        raise Problem("too_large")
    media_type, _, parameters = request.headers.get("content-type", "").partition(";")
    charset = parameters.strip().lower().removeprefix("charset=").strip('"')
    if media_type.strip().lower() != "application/json" or charset not in ("", "utf-8"):
        raise Problem("unsupported_media_type")


async def _read(request: Request) -> bytes:
    data = bytearray()
    async for chunk in request.stream():
        data += chunk
        if len(data) > LIMIT:
            raise Problem("too_large")
    return bytes(data)


def _checked(model: type[M], data: bytes) -> M:
    try:
        return model.model_validate_json(data)
    except ValidationError as error:
        faults = error.errors(include_url=False, include_context=False)
    if any(fault["type"] == "json_invalid" for fault in faults):
        raise Problem("malformed", f"The body is not JSON: {faults[0]['msg'].removeprefix('Invalid JSON: ')}")
    raise _problem([_untagged(fault) for fault in faults] if issubclass(model, RootModel) else faults)


def _untagged(fault: ErrorDetails) -> ErrorDetails:
    """A fault of one of several models, told apart by their `type`: its place is that in the body."""
    if fault["type"].startswith("union_tag_"):
        code = "missing" if fault["type"] == "union_tag_not_found" else "literal_error"
        return {**fault, "loc": ("type",), "type": code}
    return {**fault, "loc": fault["loc"][1:]}


def _problem(faults: list[ErrorDetails]) -> Problem:
    return Problem("invalid", errors=[_fault(fault) for fault in faults])


def _fault(fault: ErrorDetails) -> Fault:
    pointer = "".join(f"/{_escaped(part)}" for part in fault["loc"])
    return Fault(pointer, fault["type"], _PLAINER.get(fault["type"], f"{fault['msg']}."))


def _escaped(part: str | int) -> str:
    return str(part).replace("~", "~0").replace("/", "~1")
