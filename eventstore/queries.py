"""Named SQL statements: `-- name: x` and a line of purpose, then the statement, in a package's `queries.sql`."""

from __future__ import annotations

import re
from importlib import resources

_NAME = re.compile(r"^-- name: (\w+)$", re.MULTILINE)


class Queries:
    """The statements of one package's `queries.sql`, as attributes.

    Raises:
        AttributeError: no statement has that name.
    """

    def __init__(self, package: str):
        text = resources.files(package).joinpath("queries.sql").read_text()
        parts = _NAME.split(text)[1:]
        self._statements: dict[str, str] = dict(zip(parts[::2], (body.strip() for body in parts[1::2]), strict=True))

    def __getattr__(self, name: str) -> str:
        try:
            return self._statements[name]
        except KeyError:
            raise AttributeError(f"no statement named {name!r} in queries.sql") from None
