"""Bodies about consoles."""

from __future__ import annotations

from datetime import datetime

from service.web.models import Answer


class Console(Answer):
    """`url` is a WebSocket that carries the remote framebuffer protocol (RFB 3.8); it can be opened once, until
    `expires_at`, by the same origin. `password` is for its VNC authentication.
    """

    url: str
    password: str
    expires_at: datetime
