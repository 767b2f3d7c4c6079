"""Who works at the command line."""

from __future__ import annotations

import getpass
import os
import socket


def operator() -> str:
    """The login of whoever runs this, before sudo, and the machine: `ann@host`."""
    try:
        login = os.environ.get("SUDO_USER") or getpass.getuser()
    except (KeyError, OSError):  # a user id without a name, as in containers
        login = str(os.getuid())
    return f"{login}@{socket.gethostname()}"
