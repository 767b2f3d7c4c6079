"""An answer and how pveproxy writes it (pve-http-server AnyEvent.pm response, HTTP::Headers' order of fields)."""

import gzip
import http
import zlib
from dataclasses import dataclass, field
from email.utils import formatdate

from testbed.proxmox.cluster import clock

GZIP_FROM = 1024
#: The order of HTTP::Headers: general fields, those of the response, those of the body.
ORDER = (
    *("Cache-Control", "Connection", "Date", "Pragma", "Location", "Server"),
    *("Content-Encoding", "Content-Length", "Content-Type", "Expires", "Last-Modified"),
)


@dataclass(slots=True)
class Response:
    """One answer; only the first line of `reason` is sent.

    `modified` (seconds since 1970) makes it a file's: it may be cached. `compressible` says whether gzip is
    worth it. `inner_connection` is the Connection field of the daemon or node that the answer was fetched from:
    pveproxy passes it on beside its own, so that most clients close a connection that is kept open.
    """

    status: int
    reason: str
    body: bytes = b""
    content_type: str | None = None
    headers: dict[str, str] = field(default_factory=dict)
    modified: float | None = None
    compressible: bool = True
    inner_connection: str | None = None
    #: After which part of it the connection breaks: `status_line`, `head` or, in the middle of it, `body`.
    cut: str | None = None


def plain(status: int, text: str) -> Response:
    """An error of the protocol: the text stands in the reason and in the body."""
    return Response(status, text, text.encode())


def sent(response: Response, version: str, keep: bool, accepted: str) -> bytes:
    """The bytes of an answer; `accepted` is the client's Accept-Encoding."""
    status, reason, body = response.status, response.reason.split("\n", 1)[0], response.body
    if "\r" in reason:
        status, reason, body = 400, "Bad Request", b""
    if status in (204, 304) or status < 200:
        body = b""
    fields = response.headers | _dates(response.modified)
    fields["Connection"] = "Keep-Alive" if keep else "close"
    fields["Server"] = "pve-api-daemon/3.0"
    if response.content_type:
        fields["Content-Type"] = response.content_type
    encoding = _encoding(accepted) if response.compressible and len(body) > GZIP_FROM else None
    if encoding:
        fields["Content-Encoding"] = encoding
        body = gzip.compress(body, compresslevel=1) if encoding == "gzip" else zlib.compress(body)
    if body:
        fields["Content-Length"] = str(len(body))
    head = [f"HTTP/{version} {status} {reason or http.HTTPStatus(status).phrase}"]
    for name in sorted(fields, key=_place):
        if name == "Connection" and keep and response.inner_connection:
            head.append(f"Connection: {response.inner_connection}")
        head.append(f"{name}: {fields[name]}")
    return _cut("\r\n".join([*head, "", ""]).encode(), body, response.cut)


def _cut(head: bytes, body: bytes, cut: str | None) -> bytes:
    if cut == "status_line":
        return head[: head.index(b"\r\n") + 2]
    if cut == "head":
        return head
    return head + (body[: len(body) // 2] if cut else body)


def _place(name: str) -> tuple[int, str]:
    return (ORDER.index(name) if name in ORDER else len(ORDER), name)


def _dates(modified: float | None) -> dict[str, str]:
    now = formatdate(clock.now(), usegmt=True)
    if modified is not None:
        return {"Date": now, "Last-Modified": formatdate(modified, usegmt=True)}
    return {"Date": now, "Expires": now, "Cache-Control": "max-age=0", "Pragma": "no-cache"}


def _encoding(accepted: str) -> str | None:
    return "gzip" if "gzip" in accepted else "deflate" if "deflate" in accepted else None
