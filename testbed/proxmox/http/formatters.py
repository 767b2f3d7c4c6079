"""A call's result as `json`, `extjs` or another of the formats that stand in the path.

Facts from pve-http-server Formatter/Standard.pm. `extjs` and `htmljs` answer 200 whatever happened.
"""

import html
import re
from typing import Any

import msgspec

from testbed.proxmox.calls import Page
from testbed.proxmox.errors import ApiError
from testbed.proxmox.http.http_response import Response
from testbed.proxmox.http.websocket import Tunnel

BASE = "/api2"
FORMATS = {
    "json": "application/json;charset=UTF-8",
    "extjs": "application/json;charset=UTF-8",
    "htmljs": "text/html;charset=UTF-8",
    "spiceconfig": "application/x-virt-viewer;charset=UTF-8",
    "png": "image/png",
}
ALWAYS_OK = ("extjs", "htmljs")
URI = re.compile(r"/api2/+([a-z][a-z0-9]+)(/.*)?")


def split(path: str) -> tuple[str | None, str]:
    """The format of a path and what follows it; no format if it is not the API's."""
    match = URI.fullmatch(path)
    return (match[1], match[2] or "/") if match else (None, "/")


def success(result: Any, form: str) -> Response:
    """The answer to a call that went well."""
    total = result.total if isinstance(result, Page) else 0
    body: dict[str, Any] = {"data": result.data if isinstance(result, Page | Tunnel) else result}
    if total:
        body["total"] = total
    if form in ALWAYS_OK:
        body["success"] = 1
    return Response(200, "OK", _body(body, form), FORMATS[form], compressible=form != "png")


#: Messages of these do not end in a newline as those of Perl's `die` do.
WITHOUT_NEWLINE = (424, 501)


def failure(error: ApiError, form: str, explained: bool = True) -> Response:
    """The answer to a call that failed; `explained` says whether a `json` body has the message."""
    newline = "" if error.status in WITHOUT_NEWLINE else "\n"
    body: dict[str, Any] = {"data": None}
    if explained or form != "json":
        body["message"] = f"{error.message}{newline}"
    if error.errors:
        body["errors"] = error.errors
    if form in ALWAYS_OK:
        return Response(200, "OK", _body(body | {"success": 0, "status": error.status}, form), FORMATS[form])
    return Response(error.status, error.message, _body(body, form), FORMATS[form], compressible=form != "png")


def _body(body: dict[str, Any], form: str) -> bytes:
    if form == "htmljs":
        return html.escape(msgspec.json.encode(body).decode()).encode()
    if form == "spiceconfig":
        return _spice(body["data"])
    return b"" if form == "png" else msgspec.json.encode(body)


def _spice(data: Any) -> bytes:
    if not isinstance(data, dict):
        return b""
    lines = [f"{key}={value}\n" for key, value in data.items() if value is not None]
    return "".join(["[virt-viewer]\n", *lines]).encode()
