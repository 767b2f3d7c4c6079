"""Classes of calls, by which rules can name them: what is slow or breaks together in a real cluster."""

import re

CHANGES = r"POST|PUT|DELETE"
#: Patterns for the method, and for the path below `/api2/json`.
CLASSES: dict[str, tuple[str, str]] = {
    "read": ("GET", "^/"),
    "write": (CHANGES, "^/"),
    "login": ("GET|POST", "^/access/ticket$"),
    "access": (".*", "^/(access|pools)(/|$)"),
    "overview": ("GET", r"^/(cluster/(resources|status|nextid|tasks)|nodes|nodes/[^/]+/qemu)$"),
    "status": ("GET", r"/qemu/\d+/status/current$"),
    "config": (".*", r"/qemu/\d+/(config|pending)$"),
    "power": ("POST", r"/qemu/\d+/status/\w+$"),
    "create": ("POST", "/nodes/[^/]+/qemu$"),
    "clone": ("POST", r"/qemu/\d+/clone$"),
    "delete": ("DELETE", r"/qemu/\d+$"),
    "disk": (CHANGES, r"/qemu/\d+/(resize|move_disk|unlink)$"),
    "snapshot": (".*", r"/qemu/\d+/snapshot(/|$)"),
    "migrate": (".*", r"/qemu/\d+/migrate$"),
    "agent": (".*", r"/qemu/\d+/agent(/|$)"),
    "console": (".*", "/(vncproxy|vncwebsocket|termproxy|spiceproxy)$"),
    "firewall": (".*", "/firewall(/|$)"),
    "tasks": (".*", "/nodes/[^/]+/tasks(/|$)"),
    "storage": (".*", "/storage(/|$)"),
    "backup": (".*", "/(vzdump|cluster/backup)"),
}


def has_class(name: str, method: str, path: str) -> bool:
    """Whether a call belongs to a class."""
    methods, pattern = CLASSES[name]
    return re.fullmatch(methods, method) is not None and re.search(pattern, path) is not None
