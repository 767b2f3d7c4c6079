"""How a route says of itself that it will go (RFC 9745 and RFC 8594)."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import datetime
from email.utils import format_datetime

from starlette.requests import Request
from starlette.responses import Response

Handler = Callable[[Request], Awaitable[Response]]


@dataclass(frozen=True, slots=True)
class Deprecation:
    """Since when (UTC) a route is not for use any more, the page that says what is instead, and when it goes."""

    since: datetime
    page: str
    sunset: datetime | None = None

    @property
    def headers(self) -> list[tuple[bytes, bytes]]:
        """What each of its answers carries, refusals too."""
        said = {"deprecation": f"@{int(self.since.timestamp())}", "link": f'<{self.page}>; rel="deprecation"'}
        if self.sunset is not None:
            said["sunset"] = format_datetime(self.sunset, usegmt=True)
        return [(name.encode(), value.encode()) for name, value in said.items()]

    @property
    def words(self) -> str:
        """The same for people."""
        goes = f", and goes on {self.sunset:%-d %B %Y}" if self.sunset is not None else ""
        return f"Not for use any more since {self.since:%-d %B %Y}{goes}: see {self.page}."

    def around(self, handler: Handler) -> Handler:
        """The handler of a route that says so."""

        headers = self.headers

        async def handle(request: Request) -> Response:
            request.state.deprecated = headers
            return await handler(request)

        return handle
