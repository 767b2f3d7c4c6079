"""The whole API on one page."""

from __future__ import annotations

from functools import cache

from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Mount, Route, WebSocketRoute

from service.accounts import routes as accounts
from service.billing import routes as billing
from service.catalogue import routes as catalogue
from service.console import relay
from service.console import routes as console
from service.decisions import routes as decisions
from service.deps import Deps
from service.identity import routes as identity
from service.identity.auth import Authenticate
from service.imports import routes as imports
from service.keys import routes as keys
from service.live import routes as live
from service.oidc import routes as oidc
from service.past import routes as past
from service.people import routes as people
from service.servers import routes as servers
from service.staff import routes as staff
from service.views import routes as views
from service.watch import routes as watch
from service.web import docs, examples, health, openapi, problem_list, static
from service.web import routes as web
from service.web.addresses import Addresses
from service.web.edge import Edge
from service.web.endpoint import routes
from service.web.problems import PLACE, Problem
from service.webhooks import routes as webhooks

ROOMS = (
    *(web, identity, oidc, accounts, keys, views, servers, console, live, catalogue),
    *(staff, decisions, past, watch, people, billing, imports, webhooks),
)
ENDPOINTS = [endpoint for room in ROOMS for endpoint in room.ENDPOINTS]
PAGES = (
    "/",
    "/login",
    "/password/{rest:path}",
    "/invitations/{rest:path}",
    "/servers",
    "/servers/{rest:path}",
    "/account",
    "/account/{rest:path}",
    "/admin",
    "/admin/{rest:path}",
)


def build(deps: Deps) -> Starlette:
    """The application on what was opened for it."""
    app = Starlette(
        routes=[Addresses(routes(ENDPOINTS)), *_others(deps)],
        middleware=[Middleware(Edge, metrics=deps.metrics), Middleware(Authenticate, deps=deps)],
        exception_handlers={HTTPException: _routing_failed},
    )
    app.router.redirect_slashes = False
    app.state.deps = deps
    return app


def _others(deps: Deps) -> list[BaseRoute]:
    """What is no part of the API: metrics, its description, and the dashboard."""
    return [
        WebSocketRoute(f"{console.SOCKET}/{{ticket}}", relay.relay),
        Route("/metrics", health.metrics),
        Route("/openapi.json", openapi.handler(_description())),
        Route("/docs", docs.page),
        Route(PLACE, problem_list.page),
        Route("/docs/{name}", docs.asset),
        *(Route(path, static.page) for path in PAGES),
        Route("/favicon.svg", static.icon),
        Mount("/assets", static.Assets(deps.ui / "assets")),
    ]


@cache
def _description() -> str:
    """Made once in a process: it takes a moment."""
    return openapi.text(examples.illustrated(openapi.describe(ENDPOINTS)))


async def _routing_failed(request: Request, error: Exception) -> Response:
    assert isinstance(error, HTTPException)
    if error.status_code == 404 and static.is_wanted_by_a_browser(request):
        return static.nowhere(request)
    code = "method_not_allowed" if error.status_code == 405 else "not_found"
    raise Problem(code, headers=dict(error.headers or {}))
