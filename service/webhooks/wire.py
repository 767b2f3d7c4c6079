"""One message over HTTP: to the address that was checked, within a time, reading little of the answer."""

from __future__ import annotations

import asyncio
import ssl
import time
from collections.abc import Mapping
from functools import cached_property
from typing import NamedTuple

import httpx

from runtime.settings import Webhooks
from service.webhooks.reach import Unreachable, checked, resolved
from service.webhooks.retry import Outcome

TIMEOUT_SECONDS = 15.0
ANSWER_BYTES = 1024
HEADERS = {"Content-Type": "application/json", "User-Agent": "Hostler-Webhooks", "Accept-Encoding": "identity"}


class Place(NamedTuple):
    """Where a message goes: the address that was checked, and the names under which its server is asked."""

    url: httpx.URL
    host: str
    name: str


class Wire:
    """Sends messages. Each has a connection of its own: one that was opened for a name is not used for another."""

    def __init__(self, settings: Webhooks):
        self._settings = settings

    @cached_property
    def _client(self) -> httpx.AsyncClient:
        # Reading every authority's certificate takes a while, and most installations send nothing.
        # The surroundings name no proxy: what it connects to would not be checked.
        return httpx.AsyncClient(
            verify=ssl.create_default_context(),
            trust_env=False,
            follow_redirects=False,
            timeout=TIMEOUT_SECONDS,
            limits=httpx.Limits(max_keepalive_connections=0),
        )

    async def close(self) -> None:
        """Let go of it."""
        if "_client" in vars(self):
            await self._client.aclose()

    async def find(self, url: str) -> Place:
        """Where a message to an address goes.

        Raises:
            Unreachable: nothing may be sent there.
        """
        parts = checked(url, http=self._settings.allow_http)
        assert parts.hostname is not None
        port = parts.port or (443 if parts.scheme == "https" else 80)
        address = await resolved(parts.hostname, port, self._settings.allow_networks)
        return Place(httpx.URL(url).copy_with(host=str(address)), parts.netloc, parts.hostname)

    async def post(self, url: str, headers: Mapping[str, str], body: str) -> Outcome:
        """Send a message; whatever goes wrong is an outcome."""
        began = time.monotonic()
        status, error, answer, later = None, None, "", 0.0
        try:
            async with asyncio.timeout(TIMEOUT_SECONDS):
                status, answer, later = await self._post(url, headers, body)
        except Unreachable as refused:
            error = str(refused)
        except (TimeoutError, httpx.TimeoutException):
            error = f"No answer within {TIMEOUT_SECONDS:.0f} seconds."
        except (httpx.HTTPError, httpx.InvalidURL, OSError) as failed:
            error = f"The connection failed: {failed or type(failed).__name__}"[:300]
        return Outcome(status, error, answer, round((time.monotonic() - began) * 1000), later)

    async def _post(self, url: str, headers: Mapping[str, str], body: str) -> tuple[int, str, float]:
        place = await self.find(url)
        request = self._client.build_request(
            "POST",
            place.url,
            headers={**HEADERS, **headers, "Host": place.host},
            content=body.encode(),
            extensions={"sni_hostname": place.name},
        )
        answer = await self._client.send(request, stream=True)
        try:
            return answer.status_code, await _beginning(answer), _seconds(answer.headers.get("retry-after", ""))
        finally:
            await answer.aclose()


async def _beginning(answer: httpx.Response) -> str:
    """The first kilobyte, as text that PostgreSQL can keep."""
    read = b""
    async for piece in answer.aiter_raw():
        read += piece
        if len(read) >= ANSWER_BYTES:
            break
    return read[:ANSWER_BYTES].decode(errors="replace").replace("\x00", "\ufffd")


def _seconds(text: str) -> float:
    return float(text) if text.isascii() and text.isdigit() and len(text) < 10 else 0.0
