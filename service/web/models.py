"""What every room of the API sends or takes: the manners of its models, pages, problems, health."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, StringConstraints

Line = Annotated[str, StringConstraints(max_length=255, pattern=r"^[^\x00-\x1f\x7f]*$")]


Label = Annotated[str, StringConstraints(max_length=63, pattern=r"^[^\x00-\x1f\x7f]*$")]


class Request(BaseModel):
    """A body: exact types, no unknown fields."""

    model_config = ConfigDict(extra="forbid", strict=True, frozen=True)


class Query(BaseModel):
    """The parameters of an address; they arrive as text."""

    model_config = ConfigDict(extra="ignore", frozen=True)


class Answer(BaseModel):
    """A body that is sent. Nothing is validated on the way out; the tests hold every answer to these."""

    model_config = ConfigDict(extra="forbid", serialize_by_alias=True)


class PageQuery(Query):
    limit: Annotated[int, Field(ge=1, le=200)] = 50
    cursor: Annotated[str, StringConstraints(max_length=1024)] | None = None


class Named(Answer):
    id: str
    name: str


class Page(Answer):
    limit: int
    next_cursor: str | None
    has_more: bool


class Check(Answer):
    name: str
    ok: bool
    detail: str | None


class Readiness(Answer):
    status: Literal["ready", "not_ready"]
    checks: list[Check]


class Health(Answer):
    status: Literal["up"]


class ProblemError(Answer):
    pointer: str
    code: str
    message: str


class Problem(Answer):
    """RFC 9457. `code` is stable; `blocking_operation` comes with `operation_in_progress`."""

    type: str
    title: str
    status: int
    detail: str
    instance: str
    code: str
    request_id: str
    retryable: bool
    errors: list[ProblemError]
    blocking_operation: str | None = None
    debug: Any = None
