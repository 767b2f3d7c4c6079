"""`python -m bench.http_peer PORT`: an application of the same framework and server that answers `{}` to everything."""

from __future__ import annotations

import sys

import uvicorn
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route


async def nothing(_: Request) -> Response:
    """No work at all."""
    return Response(b"{}", media_type="application/json")


app = Starlette(routes=[Route("/{rest:path}", nothing, methods=["GET", "POST"])])

if __name__ == "__main__":
    options = {"access_log": False, "log_config": None, "lifespan": "off", "server_header": False}
    uvicorn.run(app, host="127.0.0.1", port=int(sys.argv[1]), loop="uvloop", **options)  # type: ignore[arg-type]
