"""The HTTP session under the Proxmox client: how long to wait, whom to trust, what an answer or its absence
means.
"""

from __future__ import annotations

import ssl
from collections.abc import Callable, Iterator
from email.utils import parsedate_to_datetime
from time import monotonic
from typing import Any

import msgspec
import requests
from proxmoxer.backends.https import JsonSerializer
from requests.adapters import HTTPAdapter
from urllib3 import exceptions as urllib3
from urllib3.util.ssl_ import create_urllib3_context

from hypervisor.errors import Ambiguous, HypervisorError, Unreachable
from hypervisor.texts import Answer

IDLE_SECONDS = 3.0  # pveproxy closes a connection that was idle for 5 s, also while a request is on its way
CONNECT_SECONDS = 5.0
READ_SECONDS = 15.0
MUTATE_SECONDS = 60.0  # pveproxy itself gives up on a handler after 30 s and says 596
NEVER_SENT = (urllib3.NewConnectionError, urllib3.ConnectTimeoutError, urllib3.NameResolutionError)


class AnswerError(Exception):
    """Raised from within a request when the answer is not a success."""

    def __init__(self, answer: Answer) -> None:
        super().__init__(f"{answer.status} {answer.text}")
        self.answer = answer


class GarbledError(Exception):
    """A success whose body is not Proxmox's JSON: something between us and Proxmox answered, or it was cut
    short.
    """


class Transport(HTTPAdapter):
    """Never retries, drops idle connections before Proxmox does, waits longer for changes, pins a
    fingerprint.
    """

    def __init__(self, fingerprint: str | None) -> None:
        self._fingerprint = fingerprint
        self._last_use = 0.0
        super().__init__(max_retries=0)

    def init_poolmanager(self, *args: Any, **kwargs: Any) -> None:
        if self._fingerprint:
            kwargs["assert_fingerprint"] = self._fingerprint
            # urllib3 would read all the authorities of the system for each connection, 30 ms, to ask none of them.
            kwargs["ssl_context"] = create_urllib3_context(cert_reqs=ssl.CERT_NONE)
        super().init_poolmanager(*args, **kwargs)

    def send(self, request: requests.PreparedRequest, *args: Any, **kwargs: Any) -> requests.Response:
        if monotonic() - self._last_use > IDLE_SECONDS:
            self.poolmanager.clear()
        # urllib3 sends under the timeout of connecting: a file takes a while to be written down over there.
        connect = MUTATE_SECONDS if hasattr(request.body, "read") else CONNECT_SECONDS
        kwargs["timeout"] = (connect, READ_SECONDS if request.method == "GET" else MUTATE_SECONDS)
        try:
            return super().send(request, *args, **kwargs)
        finally:
            self._last_use = monotonic()


def prepare(session: requests.Session, fingerprint: str | None, heard: Callable[[int], None]) -> None:
    """Make a session answer by exceptions: AnswerError for any refusal, GarbledError for a broken success.

    `heard` is given the server's clock, in epoch seconds, with each answer.
    """

    def check(response: requests.Response, *args: Any, **kwargs: Any) -> requests.Response:
        if "Date" in response.headers:
            heard(int(parsedate_to_datetime(response.headers["Date"]).timestamp()))
        if response.status_code != 200:
            raise AnswerError(_answer(response))
        body = parsed(response.content)
        if not isinstance(body, dict) or "data" not in body:
            raise GarbledError(f"answered 200 with {response.text[:80]!r} instead of data")
        vars(response)["parsed"] = body
        return response

    session.trust_env = False
    session.mount("https://", Transport(fingerprint))
    session.hooks["response"].append(check)


def _answer(response: requests.Response) -> Answer:
    body = parsed(response.content)
    body = body if isinstance(body, dict) else {}
    fields = body.get("errors")
    text = str(body.get("message") or response.reason or f"status {response.status_code}").strip()
    texts = {str(key): str(value).strip() for key, value in fields.items()} if isinstance(fields, dict) else {}
    return Answer(response.status_code, text, texts)


def parsed(body: bytes) -> object:
    """What an answer says, None when it is no JSON."""
    try:
        return msgspec.json.decode(body)
    except (msgspec.DecodeError, UnicodeDecodeError):
        return None


class Serializer(JsonSerializer):  # type: ignore[misc]  # proxmoxer has no types
    """Takes what a prepared session has parsed already: the bulk read of a cluster has megabytes."""

    def loads(self, response: requests.Response) -> Any:
        """The `data` of an answer."""
        return vars(response)["parsed"]["data"]


def empty(response: requests.Response, *args: Any, **kwargs: Any) -> None:
    """A hook after that of `prepare`: proxmoxer prints the text of every answer, though nobody reads it."""
    response._content = b""


def unanswered(error: Exception, call: str, *, mutating: bool) -> HypervisorError:
    """The error that a failed exchange amounts to: only one that surely was not sent is unexecuted."""
    kind = Ambiguous if mutating and _sent(error) else Unreachable
    return kind(_plain(error), call=call)


def _sent(error: BaseException) -> bool:
    chain = list(_chain(error))
    return not any(isinstance(link, NEVER_SENT) or _distrusted(link) for link in chain)


def _distrusted(error: BaseException) -> bool:
    """The handshake was broken off by us: pinned fingerprint, authority or host name did not fit."""
    text = str(error)
    return isinstance(error, urllib3.SSLError) and ("Fingerprints did not match" in text or "VERIFY_FAILED" in text)


def _chain(error: BaseException | None) -> Iterator[BaseException]:
    """The error and all that it wraps: as cause, as `reason` (urllib3), or as argument (requests)."""
    seen: set[int] = set()
    todo = [error]
    while todo:
        link = todo.pop()
        if not isinstance(link, BaseException) or id(link) in seen:
            continue
        seen.add(id(link))
        yield link
        todo += [link.__cause__, link.__context__, getattr(link, "reason", None), *link.args]


def _plain(error: BaseException) -> str:
    """The innermost of the errors wrapped in each other, which is the one that says what happened."""
    return str([link for link in _chain(error) if str(link)][-1]) or type(error).__name__
