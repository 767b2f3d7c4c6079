"""What lies outside the API: the entrance page, and paths where there is nothing.

Facts from pve-http-server AnyEvent.pm (handle_request) and pve-manager Service/pveproxy.pm (get_index). The
original's user interface is not here; its entrance is a page that names the node.
"""

from testbed.proxmox.http.http_response import Response, plain
from testbed.proxmox.http.http_server import Request

ENTRANCE = """<!DOCTYPE html>
<html>
  <head>
    <meta http-equiv="Content-Type" content="text/html; charset=utf-8" />
    <title>{node} - Proxmox Virtual Environment</title>
  </head>
  <body>This testbed has no user interface; the API is at /api2/json.</body>
</html>
"""


def page(request: Request, node: str) -> Response:
    """The page at a path that is not the API's."""
    if request.method == "GET" and request.path == "/":
        return Response(200, "OK", ENTRANCE.format(node=node).encode(), "text/html; charset=utf-8")
    return plain(500, f"no such file '{request.path}'\n")
