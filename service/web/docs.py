"""The API's description for people: one page and its script, nothing from elsewhere."""

from __future__ import annotations

from pathlib import Path

from starlette.requests import Request
from starlette.responses import FileResponse, Response

from service.web.problems import Problem

FOLDER = Path(__file__).parent / "docs_page"
ASSETS = {"docs.js": "text/javascript", "docs.css": "text/css"}
POLICY = "default-src 'self'; object-src 'none'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"


async def page(req: Request) -> Response:
    """The page."""
    headers = {"Content-Security-Policy": POLICY, "Cache-Control": "no-cache"}
    return FileResponse(FOLDER / "index.html", headers=headers)


async def asset(req: Request) -> Response:
    """The page's script and styles."""
    name = req.path_params["name"]
    if name not in ASSETS:
        raise Problem("not_found")
    return FileResponse(FOLDER / name, media_type=ASSETS[name], headers={"Cache-Control": "no-cache"})
