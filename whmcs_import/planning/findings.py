"""What a source says about its rows, whatever is here already: all a plan needs besides what earlier runs left."""

from __future__ import annotations

from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any
from uuid import UUID

import msgspec

from whmcs_import.mapping.shop import Shop


@dataclass(slots=True)
class Unmapped:
    """Something on imported services that the mapping does not speak of."""

    count: int = 0
    values: dict[str, int] = field(default_factory=dict)
    services: list[int] = field(default_factory=list)

    def add(self, service: int, value: str) -> None:
        self.count += 1
        self.values[value] = self.values.get(value, 0) + 1
        if len(self.services) < 5:
            self.services.append(service)


class Findings(msgspec.Struct, frozen=True):
    """What a source says, whatever is here already: a run that reads the same rows need not find it out again.

    `kept` are the rows to have here, with their content hashes; `logins` the users who may sign in; `holders` who
    had which address; `erased` whose personal data is nobody's business any more. `declined` are the payloads of rows
    that are to be here and that only the log speaks against.
    """

    digest: str
    shop: Shop
    seen: dict[str, int]
    skipped: list[tuple[str, str, str]]
    set_aside: list[tuple[str, str]]
    kept: list[tuple[str, str, bytes]]
    logins: set[str]
    holders: dict[str, UUID | None]
    quarantined: list[dict[str, Any]]
    warnings: list[dict[str, Any]]
    unmapped: list[tuple[tuple[str, str], Unmapped]]
    unmapped_values: list[tuple[tuple[str, str], Unmapped]]
    adoption: list[dict[str, Any]]
    totals: list[tuple[tuple[str, str], Decimal]]
    orphans: dict[str, int]
    hashes: dict[str, int]  # of users, by how their passwords are hashed
    declined: list[tuple[str, str, bytes]] = []
    erased: set[tuple[str, str]] = set()
