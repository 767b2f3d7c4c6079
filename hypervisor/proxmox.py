"""The adapter to Proxmox VE: every verb of the port as one call of its HTTP interface.

Paths and parameters are those of the API viewer of Proxmox VE 8 and 9. proxmoxer blocks and shares no session
between threads, so each endpoint has a few threads, and a session for as many as are at work at once.
"""

from __future__ import annotations

import asyncio
import re
import time
import warnings
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from functools import partial
from typing import Any
from urllib.parse import quote, urlencode, urlsplit

import requests
from proxmoxer import ProxmoxAPI
from urllib3.exceptions import InsecureRequestWarning

from hypervisor import texts, websocket, wire, wire_copies
from hypervisor.calls import Method, guest_path, segment, task_path
from hypervisor.copies import Copies
from hypervisor.errors import AgentSilent, Conflict, Invalid, Refused, Unreachable
from hypervisor.guarding import Guarding
from hypervisor.looking import Looking
from hypervisor.port import (
    GuestAddress,
    GuestConfig,
    GuestRow,
    GuestSettings,
    GuestStatus,
    Node,
    StorageRow,
    Task,
)
from hypervisor.session import AnswerError, GarbledError, Serializer, empty, prepare, unanswered
from hypervisor.texts import sort
from runtime.rfb import Stream

TOKEN = re.compile(r"^(?P<user>[^\s!]+@[^\s!]+)!(?P<name>[A-Za-z][A-Za-z0-9._-]*)$")
CONCURRENT = 6  # per endpoint; pvedaemon has three workers, each busy with one call at a time
TASK_LIMIT = 500


@dataclass(frozen=True, slots=True)
class ClusterSettings:
    """How to reach one cluster.

    `endpoints` are "https://host:8006", any node, in order of preference. `token_id` is "user@realm!name".
    The server is trusted by `fingerprint` (SHA-256 of its certificate) if given, else by `verify`: the path
    of an authority's certificate, True for the system's, False for no check at all.
    """

    name: str
    endpoints: tuple[str, ...]
    token_id: str
    token_secret: str = field(repr=False)
    verify: bool | str = True
    fingerprint: str | None = None


def connect(settings: ClusterSettings) -> ProxmoxHypervisor:
    """The hypervisor behind these settings; nothing is sent yet. Raises ValueError naming a setting that
    cannot be.
    """
    if not settings.endpoints:
        raise ValueError(f"cluster {settings.name}: no endpoint given")
    return ProxmoxHypervisor(settings.name, [Endpoint(settings, url) for url in settings.endpoints])


class Endpoint:
    """One node's API, asked from a bounded number of threads."""

    def __init__(self, settings: ClusterSettings, url: str) -> None:
        address, token = urlsplit(url), TOKEN.match(settings.token_id)
        if address.scheme != "https" or not address.hostname or address.path not in {"", "/"}:
            raise ValueError(f"cluster {settings.name}: endpoint {url!r} is not like https://host:8006")
        if not token:
            raise ValueError(f"cluster {settings.name}: token id {settings.token_id!r} is not like user@realm!name")
        self.url = url
        self._host, self._port = address.hostname, address.port or 8006
        self._user, self._token_name = token["user"], token["name"]
        self._settings = settings
        self._idle: list[ProxmoxAPI] = []  # the one used last is at the end, its connection still open
        self._sessions: list[requests.Session] = []
        self._threads = ThreadPoolExecutor(CONCURRENT, thread_name_prefix=f"proxmox-{settings.name}")
        self.clock: tuple[int, float] | None = None

    async def call(self, method: Method, path: Sequence[str], params: dict[str, Any]) -> Any:
        """The `data` of the answer. Raises HypervisorError.

        A caller that is cancelled does not stop the call: it counts as Ambiguous then.
        """
        loop = asyncio.get_running_loop()
        return await loop.run_in_executor(self._threads, self._call, method, path, params)

    async def stream(self, path: Sequence[str], params: dict[str, Any]) -> Stream:
        """A WebSocket. Raises HypervisorError."""
        call = f"GET /{'/'.join(path)}"
        where = "/".join(quote(segment, safe="") for segment in path)
        url = f"wss://{self._host}:{self._port}/api2/json/{where}?{urlencode(params, quote_via=quote)}"
        known = (self._host, self._port, self._settings.verify, self._settings.fingerprint)
        try:
            context = await asyncio.get_running_loop().run_in_executor(self._threads, websocket.trust, *known)
        except OSError as error:
            raise Unreachable(str(error), call=call) from error
        token = f"PVEAPIToken={self._user}!{self._token_name}={self._settings.token_secret}"
        return await websocket.opened(url, {"Authorization": token}, context, call)

    def _call(self, method: Method, path: Sequence[str], params: dict[str, Any]) -> Any:
        call, mutating = f"{method.upper()} /{'/'.join(path)}", method != "get"
        client = self._borrow()
        try:
            resource = client([quote(segment, safe="") for segment in path])
            return getattr(resource, method)(**params)
        except AnswerError as error:
            kind = sort(error.answer, mutating=mutating)
            if issubclass(kind, Invalid):
                raise kind(_details(error), call=call, fields=error.answer.fields) from None
            raise kind(error.answer.text, call=call) from None
        except (GarbledError, requests.RequestException) as error:
            raise unanswered(error, call, mutating=mutating) from error
        finally:
            self._idle.append(client)

    def _borrow(self) -> ProxmoxAPI:
        try:
            return self._idle.pop()
        except IndexError:
            return self._connect()

    def _connect(self) -> ProxmoxAPI:
        trust = False if self._settings.fingerprint else self._settings.verify
        if trust is False:  # as chosen in the settings, or made up for by the fingerprint
            warnings.simplefilter("ignore", InsecureRequestWarning)
        client = ProxmoxAPI(
            self._host,
            port=self._port,
            user=self._user,
            token_name=self._token_name,
            token_value=self._settings.token_secret,
            verify_ssl=trust,
        )
        session = client._store["session"]  # proxmoxer takes no session of ours, but lets its own be made one
        prepare(session, self._settings.fingerprint, self._heard)
        session.hooks["response"].append(empty)
        client._store["serializer"] = Serializer()
        self._sessions.append(session)
        return client

    def _heard(self, epoch: int) -> None:
        self.clock = (epoch, time.monotonic())

    def close(self) -> None:
        self._threads.shutdown(wait=False, cancel_futures=True)
        for session in self._sessions:
            session.close()


def _details(error: AnswerError) -> str:
    fields = "; ".join(f"{key}: {text}" for key, text in error.answer.fields.items())
    return f"{error.answer.text} {fields}".strip()


class ProxmoxHypervisor(Copies, Guarding, Looking):
    """Hypervisor over Proxmox VE. Errors are those of `errors`."""

    @property
    def cluster(self) -> str:
        return self._cluster

    async def version(self) -> str:
        return await self._read(lambda data: str(data["version"]), "version")

    async def quorate(self) -> bool:
        return await self._read(wire.quorate_of, "cluster", "status")

    async def nodes(self) -> list[Node]:
        return await self._read(lambda rows: [wire.node_of(row) for row in rows], "nodes")

    async def guests(self) -> list[GuestRow]:
        return await self._read(wire.rows_of, "cluster", "resources", type="vm")

    async def vmid_taken(self, vmid: int) -> bool:
        try:
            await self._call("get", ("cluster", "nextid"), {"vmid": vmid})
        except Conflict:
            return True
        return False

    async def config(self, node: str, vmid: int) -> GuestConfig:
        return await self._read(partial(wire.config_of, node, vmid), *guest_path(node, vmid), "config")

    async def status(self, node: str, vmid: int) -> GuestStatus:
        return await self._read(wire.status_of, *guest_path(node, vmid), "status", "current")

    async def addresses(self, node: str, vmid: int) -> list[GuestAddress]:
        path = (*guest_path(node, vmid), "agent", "network-get-interfaces")
        result = await self._read(lambda data: data["result"], *path)
        if isinstance(result, dict):  # the agent's own errors come as a success
            raise AgentSilent(str(result.get("error", result)), call=f"GET /{'/'.join(path)}")
        return wire.addresses_of(result)

    async def volumes(self, node: str, storage: str, vmid: int) -> list[str]:
        path = ("nodes", segment(node), "storage", segment(storage), "content")
        return await self._read(wire.volumes_of, *path, vmid=vmid)

    async def clone(
        self,
        node: str,
        template: int,
        vmid: int,
        *,
        name: str,
        description: str,
        full: bool,
        storage: str | None = None,
        pool: str | None = None,
        target: str | None = None,
    ) -> str:
        where = {"storage": storage, "pool": pool, "target": target}
        params = {"newid": vmid, "name": name, "description": description, "full": int(full)}
        given = {key: value for key, value in where.items() if value is not None}
        return await self._task("post", *guest_path(node, template), "clone", **params, **given)

    async def configure(self, node: str, vmid: int, settings: GuestSettings, digest: str | None = None) -> None:
        path = (*guest_path(node, vmid), "config")
        in_parts = settings.uplinks or settings.vendor_data is not None
        config = await self._read(lambda data: data, *path) if in_parts else wire.NOTHING
        try:
            params = wire.settings_params(settings, config)
        except ValueError as error:
            raise Invalid(str(error), call=f"PUT /{'/'.join(path)}", fields={"ipconfig": str(error)}) from None
        if params:
            await self._call("put", path, params | ({"digest": digest} if digest else {}))

    async def resize(self, node: str, vmid: int, disk: str, size_gib: int) -> str:
        return await self._task("put", *guest_path(node, vmid), "resize", disk=disk, size=f"{size_gib}G")

    async def ties(self, node: str, vmid: int) -> list[str]:
        return await self._read(wire.ties_of, *guest_path(node, vmid), "migrate")

    async def migrate(self, node: str, vmid: int, target: str) -> str:
        return await self._task("post", *guest_path(node, vmid), "migrate", target=segment(target))

    async def start(self, node: str, vmid: int) -> str:
        return await self._power(node, vmid, "start")

    async def stop(self, node: str, vmid: int, *, overrule_shutdown: bool = False) -> str:
        return await self._power(node, vmid, "stop", **({"overrule-shutdown": 1} if overrule_shutdown else {}))

    async def shutdown(self, node: str, vmid: int, *, timeout_s: int, force: bool) -> str:
        return await self._power(node, vmid, "shutdown", timeout=timeout_s, forceStop=int(force))

    async def reboot(self, node: str, vmid: int) -> str:
        return await self._power(node, vmid, "reboot")

    async def reset(self, node: str, vmid: int) -> str:
        return await self._power(node, vmid, "reset")

    async def destroy(self, node: str, vmid: int) -> str:
        options = {"purge": 1, "destroy-unreferenced-disks": 1}
        return await self._task("delete", *guest_path(node, vmid), **options)

    async def pending(self, node: str, vmid: int) -> frozenset[str]:
        return await self._read(wire_copies.pending_of, *guest_path(node, vmid), "pending")

    async def set_password(self, node: str, vmid: int, user: str, password: str) -> None:
        path = (*guest_path(node, vmid), "agent", "set-user-password")
        result = (await self._call("post", path, {"username": user, "password": password}) or {}).get("result")
        if isinstance(result, dict) and "error" in result:  # the agent's own errors come as a success
            raise Refused(str(result["error"].get("desc", result)), call=f"POST /{'/'.join(path)}")

    async def refresh_cloudinit(self, node: str, vmid: int) -> None:
        await self._call("put", (*guest_path(node, vmid), "cloudinit"), {})

    async def storages(self, node: str) -> list[StorageRow]:
        return await self._read(wire_copies.storages_of, "nodes", segment(node), "storage")

    async def abort_task(self, upid: str) -> None:
        await self._call("delete", task_path(upid), {})

    async def task(self, upid: str) -> Task:
        return await self._read(wire.task_of, *task_path(upid), "status")

    async def task_log(self, upid: str, limit: int = 500) -> list[str]:
        path = (*task_path(upid), "log")
        return await self._read(lambda lines: [str(line["t"]) for line in lines], *path, start=0, limit=limit)

    async def archive(self, upid: str, storage: str) -> str | None:
        return texts.archive(await self.task_log(upid), storage)

    async def tasks(
        self, node: str, *, vmid: int | None = None, kind: str | None = None, since: int | None = None
    ) -> list[Task]:
        only = {"vmid": vmid, "typefilter": kind, "since": since}
        filters = {key: value for key, value in only.items() if value is not None}
        path = ("nodes", segment(node), "tasks")
        return await self._read(wire.tasks_of, *path, source="all", limit=TASK_LIMIT, **filters)

    async def server_time(self) -> int | None:
        heard = [endpoint.clock for endpoint in self._endpoints if endpoint.clock]
        if not heard:
            return None
        epoch, at = max(heard, key=lambda clock: clock[1])
        return epoch + int(time.monotonic() - at)

    async def close(self) -> None:
        for endpoint in self._endpoints:
            endpoint.close()

    async def _power(self, node: str, vmid: int, verb: str, **params: Any) -> str:
        return await self._task("post", *guest_path(node, vmid), "status", verb, **params)
