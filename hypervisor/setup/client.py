"""A plain client for setting up: any call by its path, as an API token or logged in with a password.

It has one endpoint, one call at a time and no retries: whoever sets up reads what went wrong. A password is
sent only after the server's certificate was accepted.
"""

from __future__ import annotations

import asyncio
import hashlib
import time
import warnings
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import quote, urlsplit

import requests
from urllib3.exceptions import InsecureRequestWarning

from hypervisor import wire
from hypervisor.errors import HypervisorError, Invalid
from hypervisor.port import Task
from hypervisor.session import AnswerError, GarbledError, prepare, unanswered
from hypervisor.setup.upload import Multipart
from hypervisor.texts import sort

FIRST_POLL_SECONDS, LONGEST_POLL_SECONDS = 0.05, 2.0


@dataclass(frozen=True, slots=True)
class Trust:
    """By what a server is known: the SHA-256 of its certificate, or an authority as `requests` names it."""

    verify: bool | str = True
    fingerprint: str | None = None


@dataclass(frozen=True, slots=True)
class Password:
    """Who logs in; `user` is "name@realm"."""

    user: str
    password: str = field(repr=False)


@dataclass(frozen=True, slots=True)
class Token:
    """An API token; `id` is "name@realm!token"."""

    id: str
    secret: str = field(repr=False)


class SecondFactorWanted(Exception):
    """The login is protected by a second factor, which this client does not have."""


class Client:
    """Calls to one endpoint. Errors are those of `hypervisor.errors`.

    `skew` is the server's clock minus ours at the last answer, in seconds, good to one second.
    """

    def __init__(self, url: str, trust: Trust, credentials: Password | Token) -> None:
        address = urlsplit(url)
        if address.scheme != "https" or not address.hostname or address.path not in {"", "/"}:
            raise ValueError(f"{url!r} is not like https://host:8006")
        self.url = f"https://{address.hostname}:{address.port or 8006}"
        self.skew: float | None = None
        self._credentials = credentials
        self._session = requests.Session()
        self._session.verify = False if trust.fingerprint else trust.verify
        if self._session.verify is False:  # as asked for, or made up for by the fingerprint
            warnings.simplefilter("ignore", InsecureRequestWarning)
        prepare(self._session, trust.fingerprint, self._heard)
        if isinstance(credentials, Token):
            self._session.headers["Authorization"] = f"PVEAPIToken={credentials.id}={credentials.secret}"

    def _heard(self, epoch: int) -> None:
        self.skew = epoch - time.time()

    async def log_in(self) -> None:
        """Get a ticket for the password. Raises Denied, Unreachable, SecondFactorWanted."""
        assert isinstance(self._credentials, Password)
        form = {"username": self._credentials.user, "password": self._credentials.password}
        data = await self.call("post", ("access", "ticket"), form)
        if data.get("NeedTFA"):
            raise SecondFactorWanted(f"{self._credentials.user} is protected by a second factor")
        self._session.headers["Cookie"] = f"PVEAuthCookie={quote(data['ticket'], safe='')}"
        self._session.headers["CSRFPreventionToken"] = data["CSRFPreventionToken"]

    async def get(self, *path: str, **params: str | int) -> Any:
        """The data of a read."""
        return await self.call("get", path, params)

    async def call(self, method: str, path: Sequence[str], params: Mapping[str, str | int]) -> Any:
        """The data of any call; each part of the path is encoded by itself."""
        form = method in {"post", "put"}
        given = {"data": dict(params)} if form else {"params": dict(params)}
        return await asyncio.to_thread(self._ask, method, path, given)

    async def upload(self, path: Sequence[str], file: Path, params: Mapping[str, str | int]) -> Any:
        """The data of a call that takes a file, which is compared with its checksum over there.

        Only the node that is asked can take it: uploads are not passed on.
        """
        return await asyncio.to_thread(self._send, path, file, params)

    def _send(self, path: Sequence[str], file: Path, params: Mapping[str, str | int]) -> Any:
        with file.open("rb") as stream:
            checksum = hashlib.file_digest(stream, "sha256").hexdigest()
            stream.seek(0)
            # Proxmox reads the fields in this order, the file last (pve-http-server AnyEvent.pm file_upload_multipart).
            fields = {**params, "checksum-algorithm": "sha256", "checksum": checksum}
            body = Multipart(fields, "filename", str(params["filename"]), stream)
            return self._ask("post", path, {"data": body, "headers": {"Content-Type": body.content_type}})

    def _ask(self, method: str, path: Sequence[str], given: Mapping[str, Any]) -> Any:
        call, mutating = f"{method.upper()} /{'/'.join(path)}", method != "get"
        where = "/".join(quote(part, safe="") for part in path)
        try:
            return self._session.request(method, f"{self.url}/api2/json/{where}", **given).json()["data"]
        except AnswerError as error:
            raise _refusal(error, call, mutating) from None
        except (GarbledError, requests.RequestException) as error:
            raise unanswered(error, call, mutating=mutating) from error

    async def finished(self, upid: str) -> Task:
        """A task once it has ended."""
        parts, pause = wire.upid_of(upid), FIRST_POLL_SECONDS
        if parts is None:
            raise Invalid(f"{upid!r} is not a task id", call="GET task")
        while True:
            task = wire.task_of(await self.get("nodes", parts.node, "tasks", upid, "status"))
            if task.state != "running":
                return task
            await asyncio.sleep(pause)
            pause = min(pause * 2, LONGEST_POLL_SECONDS)

    def close(self) -> None:
        """Release the connection."""
        self._session.close()


def _refusal(error: AnswerError, call: str, mutating: bool) -> HypervisorError:
    kind, answer = sort(error.answer, mutating=mutating), error.answer
    if not issubclass(kind, Invalid):
        return kind(answer.text, call=call)
    details = "; ".join(f"{key}: {text}" for key, text in answer.fields.items())
    return kind(f"{answer.text} {details}".strip(), call=call, fields=answer.fields)
