"""Bodies about people and their sessions."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Literal

from pydantic import StringConstraints

from service.web.models import Answer, Request


class Credentials(Request):
    email: Annotated[str, StringConstraints(min_length=1, max_length=320, pattern=r"^[^\x00-\x1f\x7f]*$")]
    password: Annotated[str, StringConstraints(max_length=1024)]
    otp: Annotated[str, StringConstraints(max_length=16)] | None = None


class User(Answer):
    id: str
    object: Literal["user"]
    email: str
    name: str | None
    role: Literal["admin", "customer"]
    created_at: datetime


class Session(Answer):
    access_token: str
    token_type: Literal["Bearer"]
    expires_in: int
    user: User
