"""The HTTP of pveproxy: its reason phrases, its limits, and its habit of closing connections.

Facts from pve-http-server APIServer/AnyEvent.pm: 100 requests per connection, 5 s idle, at most 512 KiB of body
and 64 header lines, `Connection: close` with every status of 400 and above.
"""

import asyncio
import gzip
import ssl
from collections import deque
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from email.utils import formatdate

import httptools

IDLE_SECONDS = 5.0
REQUESTS_PER_CONNECTION = 100
MAX_BODY = 512 * 1024
MAX_HEADERS = 64
GZIP_FROM = 1024
METHODS = ("GET", "POST", "PUT", "DELETE")


@dataclass(slots=True)
class Request:
    """One request; header names are in lower case, `target` is the raw path with its query."""

    method: str
    target: str
    headers: dict[str, str]
    body: bytes
    version: str
    keep_alive: bool


@dataclass(slots=True)
class Response:
    """One answer; a body without `content_type` is plain text as the original sends for protocol errors."""

    status: int
    reason: str
    body: bytes = b""
    content_type: str | None = None
    headers: dict[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Takeover:
    """Instead of an answer: `converse` has the connection from now on, until it returns."""

    converse: Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]
    status: int = 101


#: Answers a request; None means: close the connection without a word.
Handler = Callable[[Request], Awaitable[Response | Takeover | None]]


class _Incoming:
    """Collects complete requests from the parser's callbacks."""

    def __init__(self) -> None:
        self.complete: deque[Request] = deque()
        self.refusal: Response | None = None
        self._parser = httptools.HttpRequestParser(self)
        self._reset()

    def feed(self, data: bytes) -> None:
        """Take bytes from the wire; raises HttpParserError on anything that is not HTTP."""
        self._parser.feed_data(data)

    def _reset(self) -> None:
        self._url = b""
        self._headers: dict[str, str] = {}
        self._body = bytearray()

    def on_url(self, url: bytes) -> None:
        self._url += url

    def on_header(self, name: bytes, value: bytes) -> None:
        self._headers[name.decode("latin-1").lower()] = value.decode("latin-1")

    def on_headers_complete(self) -> None:
        method = self._parser.get_method().decode()
        self.refusal = self.refusal or _refusal(method, self._headers)

    def on_body(self, body: bytes) -> None:
        self._body += body

    def on_message_complete(self) -> None:
        version = self._parser.get_http_version()
        asked = self._headers.get("connection", "").lower()
        keep = asked != "close" and version == "1.1"
        method, target = self._parser.get_method().decode(), self._url.decode("latin-1")
        self.complete.append(Request(method, target, self._headers, bytes(self._body), version, keep))
        self._reset()


def _refusal(method: str, headers: dict[str, str]) -> Response | None:
    length = int(headers.get("content-length") or 0)
    if method not in METHODS:
        return Response(501, f"method '{method}' not available")
    if "transfer-encoding" in headers:
        return _protocol_error(501, "chunked transfer encoding not supported")
    if length > MAX_BODY:
        return _protocol_error(501, "for data too large")
    if length and method in ("GET", "DELETE"):
        return _protocol_error(501, f"Unexpected content for method '{method}'")
    if len(headers) >= MAX_HEADERS:
        return _protocol_error(400, "too many http header lines (> 64)")
    return None


def _protocol_error(status: int, text: str) -> Response:
    return Response(status, text, text.encode())


class HttpServer:
    """Serves one handler on a loopback port, with TLS if a context is given."""

    def __init__(self, handler: Handler, tls: ssl.SSLContext | None = None) -> None:
        self._handler = handler
        self._tls = tls
        self._server: asyncio.Server | None = None
        self._connections: set[asyncio.StreamWriter] = set()
        self.port = 0

    async def start(self, host: str, port: int) -> None:
        """Listen; raises OSError when the port is taken. `port` 0 picks a free one."""
        self._server = await asyncio.start_server(self._serve, host, port, ssl=self._tls, backlog=512)
        self.port = self._server.sockets[0].getsockname()[1]

    async def stop(self) -> None:
        """Stop listening and drop every open connection."""
        if self._server is None:
            return
        self._server.close()
        for writer in list(self._connections):
            writer.transport.abort()
        self._server = None

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._connections.add(writer)
        try:
            await self._converse(reader, writer)
        except (ConnectionError, TimeoutError, ssl.SSLError, asyncio.CancelledError):
            pass  # the end of a connection, or of the program: nobody is left to tell
        finally:
            self._connections.discard(writer)
            writer.close()

    async def _converse(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        incoming = _Incoming()
        for served in range(1, REQUESTS_PER_CONNECTION + 1):
            request = await _next_request(reader, incoming)
            if request is None:
                return
            if isinstance(request, Response):
                await _send(writer, request, "1.1", keep=False)
                return
            keep = request.keep_alive and served < REQUESTS_PER_CONNECTION
            response = await self._handler(request)
            if isinstance(response, Takeover):
                await response.converse(reader, writer)
                return
            keep = keep and response is not None and response.status < 400
            if response is None:
                writer.transport.abort()
                return
            await _send(writer, _compressed(request, response), request.version, keep)
            if not keep:
                return


async def _next_request(reader: asyncio.StreamReader, incoming: _Incoming) -> Request | Response | None:
    while not incoming.complete:
        data = await asyncio.wait_for(reader.read(65536), IDLE_SECONDS)
        if not data:
            return None
        try:
            incoming.feed(data)
        except httptools.HttpParserError:
            return incoming.refusal or _protocol_error(400, "bad request")
        if incoming.refusal:
            return incoming.refusal
    return incoming.complete.popleft()


def _compressed(request: Request, response: Response) -> Response:
    accepted = "gzip" in request.headers.get("accept-encoding", "")
    if accepted and len(response.body) > GZIP_FROM and response.content_type:
        response.body = gzip.compress(response.body, compresslevel=1)
        response.headers["Content-Encoding"] = "gzip"
    return response


async def _send(writer: asyncio.StreamWriter, response: Response, version: str, keep: bool) -> None:
    now = formatdate(usegmt=True)
    reason = response.reason.split("\n", 1)[0]
    lines = [
        f"HTTP/{version} {response.status} {reason}",
        "Cache-Control: max-age=0",
        f"Connection: {'Keep-Alive' if keep else 'close'}",
        f"Date: {now}",
        "Pragma: no-cache",
        "Server: pve-api-daemon/3.0",
        f"Expires: {now}",
    ]
    if response.body or response.content_type or response.status < 400:
        lines.append(f"Content-Length: {len(response.body)}")
    if response.content_type:
        lines.append(f"Content-Type: {response.content_type}")
    lines += [f"{name}: {value}" for name, value in response.headers.items()]
    writer.write("\r\n".join([*lines, "", ""]).encode("utf-8") + response.body)
    await writer.drain()
