"""Bodies about signing in through a provider."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from service.web.models import Answer, Query


class SignInProvider(Answer):
    """`name` is what the provider is called; null where staff sign in with their passwords alone."""

    object: Literal["sign_in_provider"]
    name: str | None


class LeaveQuery(Query):
    """`next` is where to go afterwards: a path of the dashboard."""

    next: Annotated[str, Field(max_length=500)] | None = None


class ArriveQuery(Query):
    """What the provider sends somebody back with."""

    state: str | None = None
    code: str | None = None
    error: str | None = None
