"""From HTTP to a call and back, in pveproxy's order: 401, 501, 400 for the URI, 403, proxy, 400, 500.

Facts from pve-manager HTTPServer.pm (auth_handler, rest_handler), pve-http-server AnyEvent.pm and Formatter.
"""

import asyncio
import logging
import re
import time
from collections import deque
from typing import Any
from urllib.parse import unquote

from testbed.proxmox import formatters, pages, websocket
from testbed.proxmox.access import Identity
from testbed.proxmox.calls import ROUTER, Call, Given, Route
from testbed.proxmox.errors import ApiError, Die, denied, parameter_errors
from testbed.proxmox.faults import Fault, Faults
from testbed.proxmox.http_server import Request, Response, Takeover, plain
from testbed.proxmox.node import Node
from testbed.proxmox.parameters import Malformed, parameters
from testbed.proxmox.quorum import check_lockable
from testbed.proxmox.schema import verify
from testbed.proxmox.websocket import Tunnel

#: Calls that need no login (pve-manager HTTPServer.pm auth_handler).
OPEN = frozenset(
    {
        *(("GET", "/access/domains"), ("GET", "/access/ticket"), ("POST", "/access/ticket")),
        *(("POST", "/access/vncticket"), ("POST", "/access/openid/login"), ("POST", "/access/openid/auth-url")),
    }
)
UPLOAD = re.compile("/nodes/[^/]+/storage/([^/]+)/upload")
REMEMBERED_REQUESTS = 20_000
Answer = Response | Takeover
log = logging.getLogger(__name__)


class Api:
    """Answers the requests of one node."""

    def __init__(self, node: Node, faults: Faults, requests: deque[dict[str, Any]]) -> None:
        self._node = node
        self._faults = faults
        self._requests = requests
        self._effects: set[asyncio.Task[Answer]] = set()

    async def handle(self, request: Request) -> Answer | None:
        """One answer; None drops the connection. What a call does happens whether or not anybody listens."""
        path = _plain_path(request.path)
        fault = self._faults.strike(request.method, path.removeprefix("/api2/json"))
        record = self._record(request, fault)
        response = await self._with_fault(request, path, fault)
        record["status"] = response.status if response else None
        if request.uploaded and record["status"] != 200:
            request.uploaded.discard()
        return response

    def _record(self, request: Request, fault: Fault | None = None) -> dict[str, Any]:
        path, kind = _plain_path(request.path), fault.kind if fault else None
        record = {"time": time.time(), "method": request.method, "path": path, "status": None, "fault": kind}
        self._requests.append(record)
        return record

    async def _with_fault(self, request: Request, path: str, fault: Fault | None) -> Answer | None:
        if fault is None:
            return await self._proxied(self._effect(request, path))
        if fault.kind == "drop_before":
            return None
        if fault.kind == "late_execution":
            self._effect(request, path, after=fault.seconds)
            return Response(596, "Connection timed out")
        if fault.kind == "status" and not fault.after_effect:
            return self._refused(ApiError(fault.status, fault.reason), "json")
        return await self._after_effect(request, path, fault)

    async def _after_effect(self, request: Request, path: str, fault: Fault) -> Answer | None:
        if fault.kind == "delay":
            await asyncio.sleep(fault.seconds)
        response = await self._proxied(self._effect(request, path))
        if fault.kind == "drop_after_effect":
            return None
        if fault.kind == "status":
            return self._refused(ApiError(fault.status, fault.reason), "json")
        if fault.kind == "596":
            await asyncio.sleep(fault.seconds)
            return Response(596, "Connection timed out")
        return response

    def _effect(self, request: Request, path: str, after: float = 0) -> "asyncio.Task[Answer]":
        effect = asyncio.create_task(self._answer(request, path, after))
        self._effects.add(effect)
        effect.add_done_callback(self._effects.discard)
        return effect

    async def _proxied(self, effect: "asyncio.Task[Answer]") -> Answer:
        timeout = self._node.knobs.proxy_timeout_seconds
        done, _ = await asyncio.wait([effect], timeout=timeout)
        return effect.result() if done else Response(596, "Connection timed out")

    async def _answer(self, request: Request, path: str, after: float) -> Answer:
        await asyncio.sleep(after)
        try:
            return await self._respond(request, path)
        except ApiError as error:
            return Response(error.status, error.message)

    async def _delay(self, started: float) -> None:
        """Whoever is not let in waits, counted from the beginning of the request."""
        await asyncio.sleep(self._node.knobs.login_delay_seconds - (time.monotonic() - started))

    async def gate(self, request: Request) -> Response | None:
        """Who is asking, before the body is read; a refusal comes late, without a body."""
        form, rest = formatters.split(request.path)
        if not request.path.startswith(formatters.BASE):
            return None
        if form is None:
            return plain(501, "no such uri")
        started = time.monotonic()
        try:
            request.who = self._authenticate(request, rest)
        except ApiError as error:
            self._record(request)["status"] = error.status
            await self._delay(started)
            return Response(error.status, error.message)
        return None

    async def _respond(self, request: Request, path: str) -> Answer:
        form, rest = formatters.split(request.path)
        if form is None:
            return pages.page(request, self._node.name)
        if form not in formatters.FORMATS:
            return plain(501, f"no formatter for uri {rest}, {form}")
        upgrade, started = websocket.wanted(request, path), time.monotonic()
        try:
            result = await self._call(request, rest, parameters(request))
        except Malformed as error:
            return plain(error.status, error.text)
        except ApiError as error:
            if error.status in (595, 596):
                return Response(error.status, error.message)
            if error.status == 401:
                await self._delay(started)
            objection = websocket.objection(request) if upgrade else None
            return plain(500, objection) if objection else self._refused(error, form)
        if upgrade and isinstance(result, Tunnel):
            objection = websocket.objection(request)
            return plain(500, objection) if objection else websocket.accepted(request, result)
        response = formatters.success(result, form)
        response.inner_connection = request.inner_connection
        return response

    def _refused(self, error: ApiError, form: str) -> Response:
        return formatters.failure(error, form, explained=self._node.knobs.http_server_version >= 5.2)

    def _authenticate(self, request: Request, path: str) -> Identity | None:
        if (request.method, path) in OPEN:
            return None
        access = self._node.access
        ticket, token = _credentials(request.headers)
        if not ticket and not token:
            raise ApiError(401, "No ticket")
        who = access.verify_ticket(ticket) if ticket else access.verify_token(token or "")
        upload = UPLOAD.fullmatch(path) if request.method == "POST" else None
        if upload:
            access.check(who, f"/storage/{upload[1]}", "Datastore.AllocateTemplate")
            request.upload = True
        elif ticket and request.method != "GET":
            access.verify_csrf(who.id, request.headers.get("csrfpreventiontoken"))
        return who

    async def _call(self, request: Request, path: str, given: Given) -> Any:
        route, in_path = ROUTER.find(request.method, path)
        for name in sorted(in_path):
            if name in given and str(given[name]) != in_path[name]:
                text = "duplicate parameter (already defined in URI) with conflicting values!"
                raise parameter_errors({name: text})
        given = {**given, **in_path}
        self._check_rights(route, request.who, path, given)
        check_lockable(self._node.cluster, request.method, path)
        node, answering = self._reach_node(route, in_path, given, request.upload)
        if answering is not self._node and "pvedisableproxy" in request.headers:
            raise Malformed(500, "proxy loop detected")
        request.inner_connection = _inner_connection(request.method, route, answering is not self._node)
        if not route.protected:
            return await self._execute(route, node, request.who, given)
        async with answering.daemon.worker():
            return await self._execute(route, node, request.who, given)

    async def _execute(self, route: Route, node: Node, who: Identity | None, given: Given) -> Any:
        values = verify(given, route.parameters, node.cluster.pve)
        try:
            return await route.handler(Call(node, who or Identity(""), values, self._node))
        except ApiError:
            raise
        except Exception as error:
            log.exception("a call failed in a way that it should not")
            raise Die(f"{type(error).__name__}: {error}") from error

    def _check_rights(self, route: Route, who: Identity | None, path: str, given: Given) -> None:
        if who is None or who.root:
            return
        if who.token and not route.tokens:
            raise denied(f"URI '{path}' not available with API token, need proper ticket.")
        route.right(self._node.access, who, {name: str(value) for name, value in given.items() if value is not None})

    def _reach_node(self, route: Route, in_path: dict[str, str], given: Given, upload: bool) -> tuple[Node, Node]:
        """The node that a call is for and the one that answers; raises what stands between it and this node's proxy."""
        name = in_path.get("node", "localhost")
        if name == "localhost":
            name = self._node.name
        if "node" in in_path:
            given["node"] = name
        if upload and name != self._node.name:
            raise Die("unable to proxy file uploads at /usr/share/perl5/PVE/HTTPServer.pm line 185.")
        node = self._node.cluster.nodes.get(name)
        if node is None:
            lookup = f"failed to get address info for: {name}: Name or service not known"
            raise Die(f"hostname lookup '{name}' failed - {lookup}")
        answering = self._node if route.at_entry else node
        if not answering.online:
            raise ApiError(595, "No route to host")
        if route.protected and answering.state == "daemon_down":
            raise ApiError(595, "Connection refused")
        return node, answering

    async def close(self) -> None:
        """Wait shortly for calls under way, then give them up."""
        if self._effects:
            await asyncio.wait(self._effects, timeout=1)
        for effect in self._effects:
            effect.cancel()


def _inner_connection(method: str, route: Route, forwarded: bool) -> str | None:
    """What pvedaemon or another node says of its connection to the entry's proxy, which keeps only those of GETs."""
    if not forwarded:
        return "close" if route.protected else None
    if method != "GET":
        return "close"
    return "close,Keep-Alive" if route.protected else "Keep-Alive"


def _plain_path(path: str) -> str:
    return "/" + "/".join(part for part in path.split("/") if part)


def _credentials(headers: dict[str, str]) -> tuple[str | None, str | None]:
    """The ticket and the API token of a request; a cookie goes before the header, a ticket before a token."""
    ticket = _credential(headers.get("cookie", ""), "PVEAuthCookie")
    ticket = ticket or _credential(headers.get("authorization", ""), "PVEAuthCookie")
    return ticket, None if ticket else _credential(headers.get("authorization", ""), "PVEAPIToken")


def _credential(header: str, name: str) -> str | None:
    match = re.search(rf"(?:^|\s){name}[= ]([^;]*)", header)
    return unquote(match[1]) if match else None
