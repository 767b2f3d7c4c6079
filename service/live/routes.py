"""The stream of what happens."""

from service.live import events
from service.web.endpoint import RESUME
from service.web.endpoint import Endpoint as E

STREAM = "text/event-stream"

ENDPOINTS = [
    E("GET", "/v1/events", events.stream_events, "streamEvents", {200: None}, None, None, RESUME, (410,), STREAM),
]
