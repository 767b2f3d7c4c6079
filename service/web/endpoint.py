"""One route of the API and all there is to say about it: the router and the OpenAPI description are made from these."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from pydantic import BaseModel
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from service.identity.auth import needs_token
from service.web.deprecation import Deprecation, Handler

Answers = Mapping[int, type[BaseModel] | None]

# Headers that a route may take.
ONCE, GUARDED, SAME, RESUME = (
    ("Idempotency-Key", "Prefer"),
    ("Idempotency-Key", "If-Match", "Prefer"),
    ("If-None-Match",),
    ("Last-Event-ID",),
)
# The problems of whole kinds of routes: those with a body, those that read, those that write, those of staff.
BODY = (413, 415)
READ = (403, 404, 422)
WRITE = (403, 404, 409, 412, *BODY, 422)
STAFF_READ = (403, 422)
STAFF_WRITE = (403, 404, 409, *BODY, 422)


@dataclass(frozen=True, slots=True)
class Endpoint:
    """A method of an address. `answers` is the model of each good status, None for one without a JSON body.

    `media` is the type of a good answer that is not JSON; `problems` are the statuses of the problems besides those
    every route can have; `deprecated` says that it will go; `words` say what neither the models nor the summary do.
    """

    method: str
    path: str
    handler: Handler
    name: str
    answers: Answers
    body: type[BaseModel] | None = None
    query: type[BaseModel] | None = None
    headers: Sequence[str] = ()
    problems: Sequence[int] = ()
    media: str = "application/json"
    deprecated: Deprecation | None = None
    words: str = ""

    @property
    def public(self) -> bool:
        """Whether it needs no access token."""
        return not needs_token(self.path)

    @property
    def tag(self) -> str:
        """The chapter of the description it belongs to."""
        return self.path.removeprefix("/v1").split("/")[1]

    @property
    def summary(self) -> str:
        """The handler's own first sentence."""
        return (self.handler.__doc__ or "").strip().splitlines()[0]


def routes(endpoints: Sequence[Endpoint]) -> list[Route]:
    """One route per address, so that a wrong method learns all the right ones."""
    by_path: dict[str, dict[str, Handler]] = {}
    for endpoint in endpoints:
        handler = endpoint.handler if endpoint.deprecated is None else endpoint.deprecated.around(endpoint.handler)
        by_path.setdefault(endpoint.path, {})[endpoint.method] = handler
    return [Route(path, _dispatch(handlers), methods=list(handlers)) for path, handlers in by_path.items()]


def _dispatch(handlers: Mapping[str, Handler]) -> Handler:
    async def handle(request: Request) -> Response:
        method = "GET" if request.method == "HEAD" else request.method
        return await handlers[method](request)

    return handle
