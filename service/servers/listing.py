"""Lists of servers: a statement for each order, of everybody's servers and of those that a user may see.

A user's accounts are looked through one by one, each by its index: a list is as long as its page, however many servers
others have.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from service.reads import SQL
from service.web import paging


@dataclass(frozen=True, slots=True)
class Order:
    """How a list is sorted: the column, how a cursor's value is read, and the statement of each list."""

    column: str
    read: Callable[[Any], Any]
    of_everybody: str
    of_account: str
    of_user: str


def _order(column: str, direction: str, type: str, read: Callable[[Any], Any]) -> Order:
    order = {"column": column, "direction": direction, "type": type, "beyond": "<" if direction == "DESC" else ">"}
    everybodys = SQL.servers.format(whose="", **order)
    of_account = SQL.servers.format(whose="account_id = $9 AND", **order)
    of_member = SQL.servers.format(whose="account_id = m.account_id AND", **order).removesuffix(";")
    of_user = SQL.servers_of_user.format(servers=of_member, **order)
    return Order(column, read, everybodys, of_account, of_user)


ORDERS = {
    "-created_at": _order("created_at", "DESC", "timestamptz", paging.moment),
    "created_at": _order("created_at", "ASC", "timestamptz", paging.moment),
    "name": _order("name", "ASC", "text", paging.name),
    "-name": _order("name", "DESC", "text", paging.name),
}
