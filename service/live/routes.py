"""The stream of what happens."""

from service.live import events
from service.web.endpoint import RESUME
from service.web.endpoint import Endpoint as E

WORDS = """\
Server-Sent Events. `event` is one of

- `server.updated`: `resource` is the server as it is now.
- `operation.updated`: `resource` is the operation as it is now.
- `hypervisor.changed`: a cluster began or ceased to answer, so servers may be shown with another status now. It is no
  event of the log: its data is empty, its `id` that of what was told before.

The data of the first two is `{server_id, operation_id, version, resource}`. `id` is a position of the log: given as
`Last-Event-ID`, the stream goes on behind it, and nothing is lost or repeated; a position of another log is refused
with 410 `position_reset`. A new stream begins with an `id` alone, where it starts, which is no event. Comments break
silence every 15 s. It ends with the access token, with the session, and for a reader that is too slow."""

ENDPOINTS = [
    E(
        "GET",
        "/v1/events",
        events.stream_events,
        "streamEvents",
        {200: None},
        headers=RESUME,
        problems=(410,),
        media=events.STREAM,
        words=WORDS,
    ),
]
