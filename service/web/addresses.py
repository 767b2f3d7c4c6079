"""The API's routes, found by what an address begins with and how long it is: few patterns are tried, never all."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable

from starlette.routing import BaseRoute, Match, Route
from starlette.types import Receive, Scope, Send


class Addresses(BaseRoute):
    """Many routes as one, none of which has a parameter that spans several segments."""

    def __init__(self, routes: Iterable[Route]):
        self._alike: dict[tuple[str, int], list[Route]] = defaultdict(list)
        for route in routes:
            self._alike[_shape(route.path)].append(route)

    def matches(self, scope: Scope) -> tuple[Match, Scope]:
        """The first of them that takes the request; else the first that takes its address, by another method."""
        found: tuple[Match, Scope] = (Match.NONE, {})
        if scope["type"] != "http":
            return found
        for route in self._alike.get(_shape(scope["path"]), ()):
            match, child = route.matches(scope)
            if match is Match.FULL or (match is Match.PARTIAL and found[0] is Match.NONE):
                found = match, {**child, "route": route}
            if match is Match.FULL:
                break
        return found

    async def handle(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Let the one that was found answer."""
        await scope["route"].handle(scope, receive, send)


def _shape(path: str) -> tuple[str, int]:
    beginning = path.split("/", 3)
    return "/".join(beginning[:3]), path.count("/")
