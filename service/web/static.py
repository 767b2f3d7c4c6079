"""The built dashboard: files as they are, and its page for every address that belongs to it.

The page is one, but comes with what is seen first of some addresses already in it: `FRAMES`.
"""

from __future__ import annotations

import base64
import hashlib
import os
import re
from functools import lru_cache
from pathlib import Path

from starlette.datastructures import Headers
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import FileResponse, PlainTextResponse, Response
from starlette.staticfiles import NotModifiedResponse, StaticFiles
from starlette.types import Scope

from service.identity import cookies

# What is written into the page itself is allowed by its hash.
POLICY = "; ".join(
    (
        "default-src 'self'",
        "img-src 'self' data:",
        "script-src 'self'{scripts}",
        "style-src 'self'{styles}",
        "connect-src 'self'",
        "object-src 'none'",
        "base-uri 'none'",
        "form-action 'self'",
        "frame-ancestors 'none'",
    )
)
# Which page an address of somebody signed in begins with, the first that fits; anybody else is led to sign in.
FRAMES = (
    ("/servers", "list.html"),
    ("/servers/new", "inside.html"),
    ("/servers/[^/]+", "server.html"),
    ("/(servers|account|admin)(/.*)?", "inside.html"),
)
LOGIN, PLAIN = "login.html", "index.html"
# What the build lays beside a file, the smallest first: the coding, and how the name ends.
COMPRESSED = (("br", ".br"), ("gzip", ".gz"))
MISSING = "The dashboard is not built: run `npm ci && npm run build` in ui/, or set HOSTLER_UI_DIR to a built one.\n"


class Assets(StaticFiles):
    """Files whose names change with their contents: browsers may keep them for ever."""

    def __init__(self, folder: Path):
        super().__init__(directory=folder, check_dir=False)

    async def get_response(self, path: str, scope: Scope) -> Response:
        try:
            answer = await super().get_response(path, scope)
        except FileNotFoundError:
            raise HTTPException(404) from None
        if answer.status_code == 200:
            answer.headers["Cache-Control"] = "public, max-age=31536000, immutable"
        return answer

    def file_response(
        self, full_path: str | os.PathLike[str], stat_result: os.stat_result, scope: Scope, status_code: int = 200
    ) -> Response:
        asked = Headers(scope=scope)
        file, headers = _smallest(Path(full_path), asked)
        answer = FileResponse(file, status_code, headers, stat_result=file.stat())
        return NotModifiedResponse(answer.headers) if self.is_not_modified(answer.headers, asked) else answer


async def page(req: Request) -> Response:
    """The dashboard's page; what it shows depends on the address in the browser, and on who has it open."""
    answer = _page(req, _frame(req.url.path, cookies.HINT in req.cookies))
    answer.headers.add_vary_header("Cookie")
    return answer


def _frame(path: str, signed_in: bool) -> str:
    """The file that begins with what the browser is about to show."""
    inside = (file for pattern, file in FRAMES if re.fullmatch(pattern, path))
    if signed_in:
        return next(inside, PLAIN)
    return LOGIN if path == "/login" or next(inside, None) else PLAIN


def is_wanted_by_a_browser(req: Request) -> bool:
    """Whether somebody opens an address that is neither the API's nor a file's."""
    reads, path = req.method in ("GET", "HEAD"), req.url.path
    return reads and "text/html" in req.headers.get("accept", "") and not path.startswith(("/v1/", "/assets/"))


def nowhere(req: Request) -> Response:
    """The dashboard's page for an address that nothing has: it says so, with the way back."""
    answer = _page(req, PLAIN)
    answer.status_code = 404
    return answer


async def icon(req: Request) -> Response:
    """The dashboard's icon."""
    return _file(req, "favicon.svg", {"Cache-Control": "public, max-age=3600"})


def _page(req: Request, name: str) -> Response:
    folder: Path = req.app.state.deps.ui
    file = folder / name if (folder / name).is_file() else folder / PLAIN
    if not file.is_file():
        return _file(req, PLAIN, {})
    policy = _policy(file, file.stat().st_mtime_ns)
    return _file(req, file.name, {"Content-Security-Policy": policy, "Cache-Control": "no-cache"})


@lru_cache
def _policy(file: Path, changed: int) -> str:
    """What may run on a page, read once from each that was built."""
    text = file.read_text()
    return POLICY.format(scripts=_hashes(text, "script"), styles=_hashes(text, "style"))


def _hashes(text: str, tag: str) -> str:
    found = re.findall(f"<{tag}>(.*?)</{tag}>", text, re.DOTALL)
    digests = (base64.b64encode(hashlib.sha256(each.encode()).digest()).decode() for each in found)
    return "".join(f" 'sha256-{digest}'" for digest in digests)


def _file(req: Request, name: str, headers: dict[str, str]) -> Response:
    file: Path = req.app.state.deps.ui / name
    if not file.is_file():
        return PlainTextResponse(MISSING, 404, headers={"Cache-Control": "no-store"})
    file, coding = _smallest(file, req.headers)
    return FileResponse(file, headers=headers | coding)


def _smallest(file: Path, asked: Headers) -> tuple[Path, dict[str, str]]:
    """The file as small as its reader can read it, and the headers that say so."""
    offers = (offer.replace(" ", "").partition(";") for offer in asked.get("accept-encoding", "").split(","))
    readable = {coding for coding, _, quality in offers if quality not in ("q=0", "q=0.0")}
    for coding, ending in COMPRESSED:
        packed = file.with_name(file.name + ending)
        if coding in readable and packed.is_file():
            return packed, {"Content-Encoding": coding, "Vary": "Accept-Encoding"}
    return file, {"Vary": "Accept-Encoding"}
