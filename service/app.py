"""The whole API on one page."""

from __future__ import annotations

from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Mount, Route

from service import (
    actions,
    addresses,
    catalogue,
    clusters,
    copies,
    docs,
    drift,
    events,
    health,
    history,
    openapi,
    operations,
    safety,
    servers,
    session,
    static,
)
from service import models as m
from service.auth import Authenticate
from service.deps import Deps
from service.edge import Edge
from service.endpoint import Answers, routes
from service.endpoint import Endpoint as E
from service.problems import Problem

SERVERS, SERVER, CLUSTERS = "/v1/servers", "/v1/servers/{id}", "/v1/admin/clusters"
DRIFT, MODES, DESTROYS = "/v1/admin/drift", "/v1/admin/servers/mode", "/v1/admin/destroys"
PAGED, ACTION, EVENT_STREAM = m.PageQuery, m.ServerAction, "text/event-stream"
CREATED: Answers = {202: m.ServerAccepted, 200: m.Fit}
ACCEPTED, OPERATIONS, HISTORY = {202: m.OperationAccepted}, {200: m.OperationPage}, {200: m.HistoryPage}
SNAPSHOTS, BACKUPS, SETTLED = {200: m.SnapshotPage}, {200: m.BackupPage}, {200: m.DriftSettlement}
ONCE, GUARDED, SAME, RESUME = (
    ("Idempotency-Key",),
    ("Idempotency-Key", "If-Match"),
    ("If-None-Match",),
    ("Last-Event-ID",),
)
ADDRESS, SEEN_BY_STAFF = "/v1/admin/addresses/{address}", (403, 422)
BODY, READ, GONE = (413, 415), (403, 404, 422), (410,)
WRITE = (403, 404, 409, 412, *BODY, 422)
STAFF = (403, 404, 409, *BODY, 422)

ENDPOINTS = [
    E("GET", "/healthz", health.healthz, "healthz", {200: m.Health}),
    E("GET", "/readyz", health.readyz, "readyz", {200: m.Readiness, 503: m.Readiness}),
    E("POST", "/v1/login", session.login, "login", {200: m.Session}, m.Credentials, problems=(401, 422, 429, *BODY)),
    E("POST", "/v1/token/refresh", session.refresh, "refreshToken", {200: m.Session}, problems=(401,)),
    E("POST", "/v1/logout", session.logout, "logout", {204: None}, problems=(401,)),
    E("GET", "/v1/users/me", session.show_me, "getMe", {200: m.User}, problems=(404,)),
    E("GET", SERVERS, servers.list_servers, "listServers", {200: m.ServerPage}, None, m.ServersQuery, problems=READ),
    E("POST", SERVERS, servers.create_server, "createServer", CREATED, m.ServerCreate, m.CreateQuery, ONCE, WRITE),
    E("GET", SERVER, servers.show_server, "getServer", {200: m.Server, 304: None}, None, None, SAME, READ),
    E("DELETE", SERVER, actions.terminate_server, "terminateServer", ACCEPTED, None, None, GUARDED, WRITE),
    E("GET", f"{SERVER}/actions", servers.list_operations, "listServerOperations", OPERATIONS, None, PAGED, (), READ),
    E("POST", f"{SERVER}/actions", actions.act_on_server, "actOnServer", ACCEPTED, ACTION, None, GUARDED, WRITE),
    E("GET", f"{SERVER}/snapshots", copies.list_snapshots, "listSnapshots", SNAPSHOTS, None, PAGED, (), READ),
    E("GET", f"{SERVER}/backups", copies.list_backups, "listBackups", BACKUPS, None, PAGED, (), READ),
    E("GET", f"{SERVER}/history", history.list_history, "listServerHistory", HISTORY, None, PAGED, (), READ),
    E("GET", "/v1/operations/{id}", operations.show_operation, "getOperation", {200: m.Operation}, problems=READ),
    E("GET", "/v1/events", events.stream_events, "streamEvents", {200: None}, None, None, RESUME, GONE, EVENT_STREAM),
    E("GET", "/v1/plans", catalogue.list_plans, "listPlans", {200: m.PlanPage}, None, PAGED, (), READ),
    E("GET", "/v1/images", catalogue.list_images, "listImages", {200: m.ImagePage}, None, PAGED, (), READ),
    E("GET", "/v1/locations", catalogue.list_locations, "listLocations", {200: m.LocationPage}, None, PAGED, (), READ),
    E(
        "GET",
        ADDRESS,
        addresses.show_address,
        "showAddress",
        {200: m.AddressHistory},
        None,
        m.AddressQuery,
        (),
        SEEN_BY_STAFF,
    ),
    E("GET", CLUSTERS, clusters.list_clusters, "listClusters", {200: m.ClusterPage}, None, PAGED, (), SEEN_BY_STAFF),
    E(
        "POST",
        f"{CLUSTERS}/{{name}}/maintenance",
        clusters.change_maintenance,
        "changeMaintenance",
        {200: m.Cluster},
        m.MaintenanceChange,
        problems=(403, 404, 409, *BODY, 422),
    ),
    E("GET", DRIFT, drift.list_drift, "listDrift", {200: m.DriftPage}, None, m.DriftQuery, (), (403, 422)),
    E("POST", f"{DRIFT}/{{id}}", drift.settle_drift, "settleDrift", SETTLED, m.DriftAction, problems=STAFF),
    E("POST", MODES, safety.change_modes, "changeModes", {200: m.ModesChanged}, m.ModeChange, problems=STAFF),
    E("GET", DESTROYS, safety.show_destroys, "showDestroys", {200: m.Destroys}, problems=(403,)),
    E("POST", DESTROYS, safety.allow_destroys, "allowDestroys", {200: m.Destroys}, m.DestroysAllowed, problems=STAFF),
]
PAGES = (
    "/",
    "/login",
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
        routes=[*routes(ENDPOINTS), *_others(deps)],
        middleware=[Middleware(Edge, metrics=deps.metrics), Middleware(Authenticate, deps=deps)],
        exception_handlers={HTTPException: _routing_failed},
    )
    app.router.redirect_slashes = False
    app.state.deps = deps
    return app


def _others(deps: Deps) -> list[BaseRoute]:
    """What is no part of the API: metrics, its description, and the dashboard."""
    return [
        Route("/metrics", health.metrics),
        Route("/openapi.json", openapi.handler(ENDPOINTS)),
        Route("/docs", docs.page),
        Route("/docs/{name}", docs.asset),
        *(Route(path, static.page) for path in PAGES),
        Route("/favicon.svg", static.icon),
        Mount("/assets", static.Assets(deps.ui / "assets")),
    ]


async def _routing_failed(request: Request, error: Exception) -> Response:
    assert isinstance(error, HTTPException)
    code = "method_not_allowed" if error.status_code == 405 else "not_found"
    raise Problem(code, headers=dict(error.headers or {}))
