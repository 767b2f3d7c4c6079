"""From HTTP to a call and back, in pveproxy's order: 401, 501, 400 for the URI, 403, proxy, 400, 500.

Facts from pve-manager HTTPServer.pm (auth_handler, rest_handler), pve-http-server AnyEvent.pm and Formatter.
"""

import asyncio
import re
import time
from collections import deque
from typing import Any, Literal
from urllib.parse import unquote

import msgspec

from testbed.proxmox import websocket
from testbed.proxmox.access import Identity
from testbed.proxmox.calls import ROUTER, Call, Given, Page, Route
from testbed.proxmox.errors import ApiError, Die, denied, parameter_errors
from testbed.proxmox.faults import Fault, Faults
from testbed.proxmox.http_server import Request, Response, Takeover
from testbed.proxmox.node import Node
from testbed.proxmox.parameters import Malformed, parameters
from testbed.proxmox.schema import verify
from testbed.proxmox.websocket import Tunnel

JSON = "application/json;charset=UTF-8"
REMEMBERED_REQUESTS = 20_000
NodeState = Literal["up", "down", "daemon_down"]
Answer = Response | Takeover


class Api:
    """Answers the requests of one node."""

    def __init__(self, node: Node, faults: Faults) -> None:
        self._node = node
        self.faults = faults
        self._effects: set[asyncio.Task[Answer]] = set()
        self.state: NodeState = "up"
        self.requests: deque[dict[str, Any]] = deque(maxlen=REMEMBERED_REQUESTS)

    async def handle(self, request: Request) -> Answer | None:
        """One answer; None drops the connection. What a call does happens whether or not anybody listens."""
        path = _plain_path(request.target)
        fault = self.faults.strike(request.method, path.removeprefix("/api2/json"))
        record = {"time": time.time(), "method": request.method, "path": path, "status": None}
        record["fault"] = fault.kind if fault else None
        self.requests.append(record)
        response = await self._with_fault(request, path, fault)
        record["status"] = response.status if response else None
        return response

    async def _with_fault(self, request: Request, path: str, fault: Fault | None) -> Answer | None:
        if fault is None:
            return await self._proxied(self._effect(request, path))
        if fault.kind == "drop_before":
            return None
        if fault.kind == "late_execution":
            self._effect(request, path, after=fault.seconds)
            return Response(596, "Connection timed out")
        if fault.kind == "status" and not fault.after_effect:
            return _json_error(ApiError(fault.status, fault.reason), "json")
        return await self._after_effect(request, path, fault)

    async def _after_effect(self, request: Request, path: str, fault: Fault) -> Answer | None:
        if fault.kind == "delay":
            await asyncio.sleep(fault.seconds)
        response = await self._proxied(self._effect(request, path))
        if fault.kind == "drop_after_effect":
            return None
        if fault.kind == "status":
            return _json_error(ApiError(fault.status, fault.reason), "json")
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
        started = time.monotonic()
        response: Answer
        try:
            response = await self._respond(request, path)
        except ApiError as error:
            response = Response(error.status, error.message)
        if response.status == 401:
            await asyncio.sleep(self._node.knobs.login_delay_seconds - (time.monotonic() - started))
        return response

    async def _respond(self, request: Request, path: str) -> Answer:
        parts = path.split("/", 3)
        if len(parts) < 3 or parts[1] != "api2":
            return _plain(501, "no such uri") if path == "/api2" else _plain(500, f"no such file '{path}'")
        form, rest = parts[2], "/" + (parts[3] if len(parts) > 3 else "")
        if form not in ("json", "extjs"):
            return _plain(501, f"no formatter for uri {rest}, {form}")
        who = self._authenticate(request, rest)
        try:
            given = parameters(request)
        except Malformed as error:
            return _plain(error.status, error.text)
        upgrade = websocket.wanted(request, path)
        try:
            result = await self._call(request.method, rest, who, given)
        except ApiError as error:
            if error.status in (595, 596):
                return Response(error.status, error.message)
            objection = websocket.objection(request) if upgrade else None
            return _plain(500, objection) if objection else _json_error(error, form)
        if upgrade and isinstance(result, Tunnel):
            objection = websocket.objection(request)
            return _plain(500, objection) if objection else websocket.accepted(request, result)
        return _json(result, form)

    def _authenticate(self, request: Request, path: str) -> Identity | None:
        if path == "/access/ticket" and request.method in ("GET", "POST"):
            return None
        access = self._node.access
        ticket, token = _credentials(request.headers)
        if ticket:
            who = access.verify_ticket(ticket)
            if request.method != "GET":
                access.verify_csrf(who.id, request.headers.get("csrfpreventiontoken"))
            return who
        if token:
            return access.verify_token(token)
        raise ApiError(401, "No ticket")

    async def _call(self, method: str, path: str, who: Identity | None, given: Given) -> Any:
        route, in_path = ROUTER.find(method, path)
        for name, value in in_path.items():
            if name in given and str(given[name]) != value:
                text = "duplicate parameter (already defined in URI) with conflicting values!"
                raise parameter_errors({name: text})
        given = {**given, **in_path}
        self._check_rights(route, who, path, given)
        self._reach_node(route, given)
        values = verify(given, route.parameters)
        return await route.handler(Call(self._node, who or Identity(""), values))

    def _check_rights(self, route: Route, who: Identity | None, path: str, given: Given) -> None:
        if who is None:
            return
        if who.token and not route.tokens:
            raise denied(f"URI '{path}' not available with API token, need proper ticket.")
        route.right(self._node.access, who, {name: str(value) for name, value in given.items()})

    def _reach_node(self, route: Route, given: Given) -> None:
        name = given.get("node")
        if name == "localhost":
            given["node"] = self._node.name
        elif name is not None and name != self._node.name:
            lookup = f"failed to get address info for: {name}: Name or service not known"
            raise Die(f"hostname lookup '{name}' failed - {lookup}")
        if route.protected and self.state == "daemon_down":
            raise ApiError(595, "Connection refused")

    async def close(self) -> None:
        """Wait shortly for calls under way, then give them up."""
        if self._effects:
            await asyncio.wait(self._effects, timeout=1)
        for effect in self._effects:
            effect.cancel()


def _plain_path(target: str) -> str:
    path = unquote(target.partition("?")[0])
    return "/" + "/".join(part for part in path.split("/") if part)


def _credentials(headers: dict[str, str]) -> tuple[str | None, str | None]:
    """The ticket and the API token of a request; a cookie goes before the header."""
    cookies = [part.strip().partition("=") for part in headers.get("cookie", "").split(";")]
    ticket = next((unquote(value) for name, _, value in cookies if name == "PVEAuthCookie"), None)
    match = re.match(r"(PVEAuthCookie|PVEAPIToken)[= ](.*)", headers.get("authorization", ""))
    scheme, value = match.groups() if match else ("", "")
    if scheme == "PVEAuthCookie":
        ticket = ticket or unquote(value)
    return ticket, value if scheme == "PVEAPIToken" else None


def _plain(status: int, text: str) -> Response:
    return Response(status, text, text.encode())


def _json(result: Any, form: str) -> Response:
    page = result if isinstance(result, Page) else None
    body: dict[str, Any] = {"data": result.data if isinstance(result, Page | Tunnel) else result}
    if page:
        body["total"] = page.total
    if form == "extjs":
        body["success"] = 1
    return Response(200, "OK", msgspec.json.encode(body), JSON)


def _json_error(error: ApiError, form: str) -> Response:
    newline = "" if error.status == 501 else "\n"
    body: dict[str, Any] = {"data": None, "message": f"{error.message}{newline}"}
    if error.errors:
        body["errors"] = error.errors
    if form == "extjs":
        return Response(200, "OK", msgspec.json.encode(body | {"success": 0, "status": error.status}), JSON)
    return Response(error.status, error.message, msgspec.json.encode(body), JSON)
