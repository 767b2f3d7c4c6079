"""Bodies about SSH keys."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Literal

from pydantic import StringConstraints

from service.servers.models import PublicKey
from service.web.models import Answer, Page, Request

Name = Annotated[str, StringConstraints(min_length=1, max_length=100, pattern=r"^[^\x00-\x1f\x7f]*$")]


class SshKeyCreate(Request):
    name: Name
    public_key: PublicKey


class SshKeyChange(Request):
    name: Name


class SshKey(Answer):
    id: str
    object: Literal["ssh_key"]
    name: str
    public_key: str
    fingerprint: str
    created_at: datetime


class SshKeyPage(Answer):
    data: list[SshKey]
    page: Page
