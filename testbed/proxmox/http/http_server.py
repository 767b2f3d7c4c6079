"""The HTTP of pveproxy: its reading of requests, its limits, and its habit of closing connections.

Facts from pve-http-server APIServer/AnyEvent.pm (push_request_header, unshift_read_header, process_header,
ensure_tls_connection, authenticate_and_handle_request) and pve-manager Service/pveproxy.pm: three workers of
1000 requests and 500 connections each, 100 requests per connection, 5 s idle, at most 512 KiB of body, 64 header
lines of 8 KiB together. What the original answers by throwing an exception nobody catches is silence here too.
"""

import asyncio
import re
import socket
import ssl
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any
from urllib.parse import unquote_to_bytes, urlsplit

from testbed.proxmox.cluster.clock import CLOCK, Clock
from testbed.proxmox.http.http_response import Response, plain, sent
from testbed.proxmox.http.uploads import Upload, UploadError

__all__ = ["HttpServer", "Request", "Response", "Takeover", "plain"]

IDLE_SECONDS = 5.0
REQUESTS_PER_CONNECTION = 100
REQUESTS_PER_WORKER = 1000
WORKERS = 3
CONNECTIONS_PER_WORKER = 500
#: From so many connections on a worker keeps none alive.
CROWDED = 480
MAX_BODY = 512 * 1024
MAX_HEADERS = 64
MAX_HEADER_BYTES = 8 * 1024
MAX_BUFFER = MAX_BODY + MAX_HEADER_BYTES
CHUNK = 256 * 1024
METHODS = ("GET", "POST", "PUT", "DELETE")
#: First bytes of TLS records; whoever begins otherwise speaks plainly (AnyEvent::Handle tls_autostart).
TLS_STARTS = (b"\x15", b"\x16", b"\x80")
FORMS = ("application/x-www-form-urlencoded", "application/json")

REQUEST_LINE = re.compile(r"(\S+) (\S+) HTTP/(\d+)\.(\d+)")
HEADER_LINE = re.compile(r"([^:\s]+)\s*:\s*(.*)", re.DOTALL)
BOUNDARY = re.compile(r"\s*boundary\s*=\s*(\S+?)\s*")


@dataclass(slots=True)
class Request:
    """One request; header names are in lower case, `target` is the path with its query as they came.

    `who` and `upload` are set by the gate (see `HttpServer`): what it made of the credentials, and whether the
    body is a file. Then `uploaded` has the file and the form's fields. `inner_connection` goes into the response.
    """

    method: str
    target: str
    headers: dict[str, str]
    version: str
    body: bytes = b""
    who: Any = None
    upload: bool = False
    uploaded: Upload | None = None
    inner_connection: str | None = None

    @property
    def path(self) -> str:
        """The path without its query and without percent-encoding, slashes as they came."""
        return unquote_to_bytes(_split(self.target)[0].encode("latin-1", "replace")).decode("utf-8", "replace")

    @property
    def query(self) -> str:
        """What stands behind the question mark."""
        return _split(self.target)[1]

    @property
    def content_type(self) -> tuple[str, str | None]:
        """The bare type, and the boundary of a multipart body."""
        kind, *more = re.split(r"\s*[;,]\s*", self.headers.get("content-type", ""))
        found = (BOUNDARY.fullmatch(part) for part in more)
        return kind, next((match[1] for match in found if match), None)


def _split(target: str) -> tuple[str, str]:
    try:
        parts = urlsplit(target)
    except ValueError:
        return target.partition("?")[0], target.partition("?")[2]
    return parts.path, parts.query


@dataclass(frozen=True, slots=True)
class Takeover:
    """Instead of an answer: `converse` has the connection from now on, until it returns."""

    converse: Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]
    status: int = 101


#: Answers a request; None means: close the connection without a word.
Handler = Callable[[Request], Awaitable[Response | Takeover | None]]
#: Looks at a request's head before its body is read; a response refuses it.
Gate = Callable[[Request], Awaitable[Response | None]]


class _Silence(Exception):
    """The original's code dies here: nothing is answered, and the connection ends by its idle timeout."""


class _Gone(Exception):
    """The client is gone, too slow, or sends too much."""


@dataclass(slots=True)
class _Worker:
    """One process of the original: it retires after so many requests."""

    requests: int = 0
    connections: int = 0

    @property
    def retired(self) -> bool:
        return self.requests >= REQUESTS_PER_WORKER


@dataclass(slots=True)
class _Connection:
    reader: asyncio.StreamReader
    writer: asyncio.StreamWriter
    worker: _Worker
    encrypted: bool
    left: int = 0
    #: The version of the request under way, as its answer repeats it.
    version: str = "1.0"
    request: Request | None = None

    async def line(self) -> str:
        try:
            async with asyncio.timeout(IDLE_SECONDS):
                line = await self.reader.readuntil(b"\n")
        except (asyncio.IncompleteReadError, asyncio.LimitOverrunError, TimeoutError):
            raise _Gone from None
        return line.removesuffix(b"\n").removesuffix(b"\r").decode("latin-1")

    async def some(self, most: int) -> bytes:
        try:
            async with asyncio.timeout(IDLE_SECONDS):
                data = await self.reader.read(most)
        except TimeoutError:
            raise _Gone from None
        if not data:
            raise _Gone
        return data

    async def exactly(self, size: int) -> bytes:
        data = bytearray()
        while len(data) < size:
            data += await self.some(size - len(data))
        return bytes(data)

    async def answer(self, response: Response) -> bool:
        """Send it; whether the connection goes on."""
        if response.status >= 400 or self.worker.retired:
            self.left = 0
        accepted = self.request.headers.get("accept-encoding", "") if self.request else ""
        self.writer.write(sent(response, self.version, self.left > 0, accepted))
        await self.writer.drain()
        if response.cut:
            _abort(self.writer)
            return False
        self.version, self.request = "1.0", None
        return self.left > 0


class HttpServer:
    """Serves one handler on a loopback port, with TLS if a context is given.

    `gate` sees each request before its body is read; `clock` dates the answers.
    """

    def __init__(
        self, handler: Handler, tls: ssl.SSLContext | None = None, gate: Gate | None = None, clock: Clock | None = None
    ) -> None:
        self._handler = handler
        self._clock = clock or Clock()
        self._gate = gate
        self._tls = tls
        self._listener: socket.socket | None = None
        self._accepting: asyncio.Task[None] | None = None
        self._conversations: set[asyncio.Task[None]] = set()
        self._workers = [_Worker() for _ in range(WORKERS)]
        self._room = asyncio.Event()
        self.port = 0

    async def start(self, host: str, port: int) -> None:
        """Listen; raises OSError when the port is taken. `port` 0 picks a free one."""
        self._listener = socket.create_server((host, port), backlog=512)
        self._listener.setblocking(False)
        self.port = self._listener.getsockname()[1]
        self._accepting = asyncio.create_task(self._accept(self._listener))

    async def stop(self) -> None:
        """Stop listening and drop every open connection."""
        if self._listener is None or self._accepting is None:
            return
        ending = [self._accepting, *self._conversations]
        for task in ending:
            task.cancel()
        await asyncio.gather(*ending, return_exceptions=True)
        self._listener.close()
        self._listener = self._accepting = None

    async def _accept(self, listener: socket.socket) -> None:
        while True:
            worker = await self._free_worker()
            client, _ = await asyncio.get_running_loop().sock_accept(listener)
            client.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            worker.connections += 1
            conversation = asyncio.create_task(self._serve(client, worker))
            self._conversations.add(conversation)
            conversation.add_done_callback(self._conversations.discard)

    async def _free_worker(self) -> _Worker:
        self._workers = [_Worker() if worker.retired else worker for worker in self._workers]
        while True:
            worker = min(self._workers, key=lambda worker: worker.connections)
            if worker.connections < CONNECTIONS_PER_WORKER:
                return worker
            self._room.clear()
            await self._room.wait()

    async def _serve(self, client: socket.socket, worker: _Worker) -> None:
        CLOCK.set(self._clock)
        writer: asyncio.StreamWriter | None = None
        try:
            tls = self._tls if await _starts_tls(client) else None
            reader, writer = await _streams(client, tls)
            connection = _Connection(reader, writer, worker, encrypted=tls is not None or self._tls is None)
            connection.left = 0 if worker.connections >= CROWDED else REQUESTS_PER_CONNECTION
            await self._converse(connection)
        except (_Gone, OSError, EOFError):
            pass  # the end of a connection: nobody is left to tell
        except asyncio.CancelledError:
            _abort(writer)
            raise
        finally:
            worker.connections -= 1
            self._room.set()
            (writer or client).close()

    async def _converse(self, connection: _Connection) -> None:
        try:
            while await self._one(connection):
                pass
        except _Silence:
            while await connection.some(CHUNK):
                pass

    async def _one(self, connection: _Connection) -> bool:
        """Take and answer one request; whether the connection goes on."""
        line = await connection.line()
        connection.left -= 1
        if not line:
            return True
        request = _begun(line)
        if isinstance(request, Response):
            return await connection.answer(request)
        connection.worker.requests += 1
        connection.version, connection.request = request.version, request
        refusal = await self._received(connection, request)
        if refusal:
            await connection.answer(refusal)
            return False
        response = await self._handler(request)
        if response is None:
            _abort(connection.writer)
            return False
        if isinstance(response, Takeover):
            await response.converse(connection.reader, connection.writer)
            return False
        return await connection.answer(response)

    async def _received(self, connection: _Connection, request: Request) -> Response | None:
        """Read the rest of a request; its refusal, or None if it is complete."""
        refusal = await _headers(connection, request) or _processed(connection, request)
        if refusal:
            return refusal
        if not connection.encrypted:
            return _redirect(request)
        refusal = await self._gate(request) if self._gate else None
        return refusal or await _content(connection, request)


async def _starts_tls(client: socket.socket) -> bool:
    """Look at the first byte without taking it."""
    loop, ready = asyncio.get_running_loop(), asyncio.Event()
    loop.add_reader(client, ready.set)
    try:
        await asyncio.wait_for(ready.wait(), IDLE_SECONDS)
        return client.recv(1, socket.MSG_PEEK) in TLS_STARTS
    except TimeoutError:
        raise _Gone from None
    finally:
        loop.remove_reader(client)


async def _streams(
    client: socket.socket, tls: ssl.SSLContext | None
) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
    loop = asyncio.get_running_loop()
    reader = asyncio.StreamReader(limit=MAX_BUFFER, loop=loop)
    protocol = asyncio.StreamReaderProtocol(reader, loop=loop)
    patience = IDLE_SECONDS if tls else None
    transport, _ = await loop.connect_accepted_socket(lambda: protocol, client, ssl=tls, ssl_handshake_timeout=patience)
    return reader, asyncio.StreamWriter(transport, protocol, reader, loop)


def _abort(writer: asyncio.StreamWriter | None) -> None:
    if writer:
        writer.transport.abort()


def _begun(line: str) -> Request | Response:
    match = REQUEST_LINE.search(line)
    if match is None:
        return plain(400, "bad request")
    method, target, major, minor = match.groups()
    if int(major) != 1:
        return plain(506, f"http protocol version {major}.{minor} not supported")
    if "@" in target.partition("/")[0]:
        return plain(400, "invalid url")
    return Request(method, target, {}, f"{major}.{minor}")


async def _headers(connection: _Connection, request: Request) -> Response | None:
    size, name = 0, ""
    for _ in range(1, MAX_HEADERS):
        line = await connection.line()
        size += len(line)
        if size >= MAX_HEADER_BYTES:
            raise _Silence("http header too large")
        if not line:
            return None
        match = HEADER_LINE.match(line)
        if match:
            name = match[1].lower().replace("_", "-")
            earlier = request.headers.get(name)
            request.headers[name] = match[2] if earlier is None else f"{earlier}, {match[2]}"
        elif line[0].isspace():
            request.headers[name] = f"{request.headers.get(name, '')} {line.strip()}"
        else:
            return plain(506, "unable to parse request header")
    raise _Silence(f"too many http header lines (> {MAX_HEADERS})")


def _processed(connection: _Connection, request: Request) -> Response | None:
    if request.method not in METHODS:
        return Response(501, f"method '{request.method}' not available")
    wish = request.headers.get("connection", "")
    if "close" in wish.lower() or (not wish and request.version == "1.0"):
        connection.left = 0
    encoding = request.headers.get("transfer-encoding")
    if not encoding:
        return None
    if encoding.lower() == "chunked":
        return plain(501, "chunked transfer encoding not supported")
    return plain(501, f"Unknown transfer encoding '{encoding}'")


def _redirect(request: Request) -> Response:
    """To the same place with TLS; the connection ends, whatever the answer says."""
    host = request.headers.get("host")
    if not host:
        raise _Silence("Header field 'Host' not found in request")
    moved = plain(301, "Moved Permanently") if request.method == "GET" else plain(308, "Permanent Redirect")
    moved.headers["Location"] = "https://" + re.sub("^https?://", "", host) + request.target
    return moved


async def _content(connection: _Connection, request: Request) -> Response | None:
    """Read the body; a refusal if it is of no use."""
    length = request.headers.get("content-length", "")
    if length in ("", "0"):
        return None
    size = int(length) if length.isdigit() else 0
    kind, _ = request.content_type
    if request.method not in ("PUT", "POST"):
        return plain(501, f"Unexpected content for method '{request.method}'")
    if request.upload:
        return await _file(connection, request, size)
    if size > MAX_BODY:
        return plain(501, "for data too large")
    if kind and kind not in FORMS:
        return plain(506, f"upload 'Content-Type '{request.headers['content-type']}' not implemented")
    request.body = await connection.exactly(size)
    return None


async def _file(connection: _Connection, request: Request, size: int) -> Response | None:
    kind, boundary = request.content_type
    if not boundary or kind != "multipart/form-data":
        raise _Silence("upload Content-Type not implemented")
    connection.left = 0
    request.uploaded = upload = Upload(boundary, size)
    try:
        while not upload.complete:
            upload.take(await connection.some(CHUNK))
    except UploadError as error:
        upload.discard()
        return plain(500, str(error))
    except BaseException:
        upload.discard()
        raise
    return None
