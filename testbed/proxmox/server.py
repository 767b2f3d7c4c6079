"""From HTTP to a call and back, in pveproxy's order: 401, 501, 400 for the URI, 403, proxy, 400, 500.

Facts from pve-manager HTTPServer.pm (auth_handler, rest_handler), pve-http-server AnyEvent.pm and Formatter.
"""

import asyncio
import dataclasses
import logging
import re
import time
from collections import deque
from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import Any
from urllib.parse import unquote

import msgspec

from testbed.proxmox.access.access import Identity
from testbed.proxmox.calls import ROUTER, Call, Given, Route
from testbed.proxmox.cluster.clock import CLOCK
from testbed.proxmox.cluster.node import Node
from testbed.proxmox.cluster.quorum import check_lockable
from testbed.proxmox.errors import ApiError, Die, denied, parameter_errors
from testbed.proxmox.faults.faults import Faults, Strike
from testbed.proxmox.http import formatters, pages, websocket
from testbed.proxmox.http.http_server import Request, Response, Takeover, plain
from testbed.proxmox.http.parameters import Malformed, parameters
from testbed.proxmox.http.websocket import Tunnel
from testbed.proxmox.schema import verify

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
        #: The control interface, for faults in which somebody else does something.
        self.outside: Callable[[Request], Awaitable[Response]] = _nobody

    async def handle(self, request: Request) -> Answer | None:
        """One answer; None drops the connection. What a call does happens whether or not anybody listens."""
        path = _plain_path(request.path)
        form, rest = formatters.split(path)
        strikes = self._faults.strike(request.method, rest if form else path, self._node.name)
        record = self._record(request, strikes)
        response = await self._struck(request, path, strikes)
        record["status"] = response.status if response else None
        if request.uploaded and record["status"] != 200:
            request.uploaded.discard()
        return response

    def _record(self, request: Request, strikes: Sequence[Strike] = ()) -> dict[str, Any]:
        path, kinds = _plain_path(request.path), [strike.kind for strike in strikes]
        fault = next((kind for kind in kinds if kind != "delay"), "delay" if kinds else None)
        record = {"time": time.time(), "method": request.method, "path": path, "status": None, "fault": fault}
        self._requests.append(record)
        return record

    async def _struck(self, request: Request, path: str, strikes: Sequence[Strike]) -> Answer | None:
        await asyncio.sleep(sum(strike.seconds for strike in strikes if strike.kind == "delay"))
        strike = next((one for one in strikes if one.kind != "delay"), None)
        if strike is None:
            return await self._proxied(self._effect(request, path))
        if strike.kind == "drop_before":
            return None
        if strike.kind == "late_execution":
            self._effect(request, path, after=strike.seconds)
            return _unanswered(strike)
        if strike.kind in ("status", "595") and not strike.rule.after_effect:
            await asyncio.sleep(strike.seconds)
            return self._broken(strike)
        if strike.kind == "do" and not strike.rule.after_effect:
            await self._do(request, path, strike)
            return await self._proxied(self._effect(request, path))
        return await self._after_effect(request, path, strike)

    async def _after_effect(self, request: Request, path: str, strike: Strike) -> Answer | None:
        response = await self._proxied(self._effect(request, path))
        if strike.kind == "drop_after_effect":
            return None
        if strike.kind == "drop_in_answer":
            return dataclasses.replace(response, cut=strike.rule.cut) if isinstance(response, Response) else None
        if strike.kind == "do":
            await self._do(request, path, strike)
            return response
        await asyncio.sleep(strike.seconds)
        return self._broken(strike)

    def _broken(self, strike: Strike) -> Response:
        if strike.kind != "status":
            return _unanswered(strike)
        return self._refused(ApiError(strike.rule.status or 500, strike.rule.reason), "json")

    async def _do(self, request: Request, path: str, strike: Strike) -> None:
        """Let somebody else do something at this moment; `{name}` stands for a parameter of the call."""
        _, in_path = ROUTER.find(request.method, formatters.split(path)[1])
        given = {name: str(value) for name, value in {**parameters(request), **in_path}.items()}
        what = strike.rule.do
        method, target = str(what["method"]), _filled(what["path"], given)
        body = msgspec.json.encode(_filled(what.get("body"), given))
        await self.outside(Request(method, target, {}, "1.1", body))

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
        self._check_there(answering, request)
        request.inner_connection = _inner_connection(request.method, route, answering is not self._node)
        if not route.protected:
            return await self._execute(route, node, request.who, given)
        async with answering.daemon.worker():
            return await self._execute(route, node, request.who, given)

    def _check_there(self, answering: Node, request: Request) -> None:
        """Another node looks at the ticket by its own clock; raises 401."""
        ticket, _ = _credentials(request.headers)
        if answering is not self._node and ticket and request.who:
            CLOCK.set(answering.clock)
            self._node.access.verify_ticket(ticket)

    async def _execute(self, route: Route, node: Node, who: Identity | None, given: Given) -> Any:
        CLOCK.set(node.clock)
        pve = node.access.release.pve
        values = verify(given, route.known(pve), pve)
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


async def _nobody(_request: Request) -> Response:
    return plain(501, "nobody is there")


def _unanswered(strike: Strike) -> Response:
    """What the proxy says of a connection to pvedaemon that broke."""
    texts = {595: "Connection refused", 596: "Connection timed out"}
    status = strike.rule.status or (595 if strike.kind == "595" else 596)
    return Response(status, texts.get(status, strike.rule.reason))


def _filled(what: Any, given: Mapping[str, str]) -> Any:
    """Texts in which parameters stand for their names in braces."""
    if isinstance(what, dict):
        return {key: _filled(value, given) for key, value in what.items()}
    if not isinstance(what, str):
        return what
    return re.sub(r"\{(\w+)\}", lambda match: given.get(match[1], match[0]), what)


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
