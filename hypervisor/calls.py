"""What every call to Proxmox VE needs: the endpoints in turn, answers as tasks or as our words, safe paths."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from typing import Any, Literal, Protocol, TypeVar, runtime_checkable

from hypervisor import wire
from hypervisor.errors import Ambiguous, HypervisorError, Invalid, Unreachable
from runtime.rfb import Stream

Method = Literal["get", "post", "put", "delete"]
T = TypeVar("T")

SEGMENT = re.compile(r"^[a-zA-Z0-9][a-zA-Z0-9._-]*$")
VOLUME = re.compile(r"^[a-zA-Z0-9][a-zA-Z0-9._-]*:([a-zA-Z0-9_][a-zA-Z0-9._+:-]*/)*[a-zA-Z0-9_][a-zA-Z0-9._+:-]*$")


class Asked(Protocol):
    """One endpoint of a cluster."""

    clock: tuple[int, float] | None  # the hypervisor's time in its last answer, and when that came (monotonic)

    async def call(self, method: Method, path: Sequence[str], params: dict[str, Any]) -> Any: ...

    def close(self) -> None: ...


@runtime_checkable
class Screened(Asked, Protocol):
    """One that also shows the screens of guests."""

    async def stream(self, path: Sequence[str], params: dict[str, Any]) -> Stream: ...


class Caller:
    """Asks the endpoints of one cluster."""

    def __init__(self, cluster: str, endpoints: Sequence[Asked]) -> None:
        self._cluster = cluster
        self._endpoints = list(endpoints)

    async def _read(self, parse: Callable[[Any], T], *path: str, **params: Any) -> T:
        data = await self._call("get", path, params)
        try:
            return parse(data)
        except (AttributeError, KeyError, TypeError, ValueError) as error:
            raise Unreachable(f"answered what cannot be read: {error!r}", call=f"GET /{'/'.join(path)}") from error

    async def _task(self, method: Method, *path: str, **params: Any) -> str:
        upid = await self._call(method, path, params)
        if not isinstance(upid, str) or wire.upid_of(upid) is None:
            raise Ambiguous(f"answered {upid!r} instead of a task", call=f"{method.upper()} /{'/'.join(path)}")
        return upid

    async def _call(self, method: Method, path: Sequence[str], params: dict[str, Any]) -> Any:
        return (await self._answered(method, path, params))[1]

    async def _answered(self, method: Method, path: Sequence[str], params: dict[str, Any]) -> tuple[Asked, Any]:
        """Ask the endpoints in turn, going on only when the one before certainly did not execute the call; answers
        which of them did.
        """
        silent: HypervisorError | None = None
        for endpoint in list(self._endpoints):
            try:
                data = await endpoint.call(method, path, dict(params))
            except Unreachable as error:
                silent = silent or error
            else:
                self._prefer(endpoint)
                return endpoint, data
        assert silent
        raise silent

    def _prefer(self, endpoint: Asked) -> None:
        if self._endpoints[0] is not endpoint:
            self._endpoints.remove(endpoint)
            self._endpoints.insert(0, endpoint)


def guest_path(node: str, vmid: int) -> tuple[str, ...]:
    return ("nodes", segment(node), "qemu", str(int(vmid)))


def task_path(upid: str) -> tuple[str, ...]:
    """Tasks are asked where they run, which is written in their id."""
    parts = wire.upid_of(upid)
    if parts is None:
        raise Invalid(f"{upid!r} is not a task id", call="GET task", fields={"upid": "unable to parse worker upid"})
    return ("nodes", parts.node, "tasks", upid)


def segment(text: str) -> str:
    """A name that is safe within a path; proxmoxer would let "/" and ".." through."""
    if not SEGMENT.match(text):
        raise Invalid(f"{text!r} cannot be part of a path", call="path", fields={"path": text})
    return text


def volume_path(volume: str) -> str:
    """A volume id that is safe at the end of a path: its slashes belong to it."""
    if not VOLUME.match(volume):
        raise Invalid(f"{volume!r} is not the id of a volume", call="path", fields={"volume": volume})
    return volume
