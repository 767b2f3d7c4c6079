"""Bodies about saved views."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Literal

from pydantic import StringConstraints

from service.web.models import Answer, Page, Request

Name = Annotated[str, StringConstraints(min_length=1, max_length=60, pattern=r"^[^\x00-\x1f\x7f]*$")]
QueryText = Annotated[str, StringConstraints(max_length=1000, pattern=r"^[^\x00-\x20\x7f]*$")]


class SavedViewPut(Request):
    """The whole of a view. `query` is what the list of servers is asked, as behind the question mark of its address:
    `status`, `q`, `account`, `label` and `sort`; empty for everything. `scope` is the list's own; `all` is for staff.
    """

    name: Name
    query: QueryText
    scope: Literal["own", "all"] = "own"


class SavedView(Answer):
    id: str
    object: Literal["saved_view"]
    name: str
    query: str
    scope: Literal["own", "all"]
    created_at: datetime
    updated_at: datetime


class SavedViewPage(Answer):
    data: list[SavedView]
    page: Page
