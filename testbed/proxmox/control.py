"""The control interface: faults, clocks and outside hands. Plain HTTP with JSON, on loopback only."""

import json
from collections import deque
from collections.abc import Awaitable, Callable, Mapping
from typing import Any

import msgspec

from testbed.proxmox.cluster.cluster import Cluster
from testbed.proxmox.errors import ApiError
from testbed.proxmox.faults.faults import Faults
from testbed.proxmox.faults.outages import Outages
from testbed.proxmox.faults.storage_faults import StorageFaults
from testbed.proxmox.faults.strangers import Hands, Stranger
from testbed.proxmox.http.http_server import HttpServer, Request, Response
from testbed.proxmox.vm.vms import Vm

Answer = Callable[[str, dict[str, Any]], Awaitable[Any]]


class Control:
    """Answers the control requests of one testbed. `fronts` are the nodes' servers by name."""

    def __init__(
        self, cluster: Cluster, fronts: Mapping[str, HttpServer], faults: Faults, requests: deque[dict[str, Any]]
    ) -> None:
        self._cluster = cluster
        self._fronts = fronts
        self._faults = faults
        self._seen = requests
        self._hands = Hands(cluster)
        self._answers: Mapping[tuple[str, str], Answer] = {
            ("GET", "faults"): self._list_faults,
            ("POST", "faults"): self._add_faults,
            ("DELETE", "faults"): self._clear_faults,
            ("POST", "tick"): self._tick,
            ("GET", "knobs"): self._turn_knobs,
            ("POST", "knobs"): self._turn_knobs,
            ("GET", "vms"): self._show_vms,
            ("POST", "vms"): self._change_vm,
            ("PUT", "vms"): self._create_vm,
            ("DELETE", "vms"): self._delete_vm,
            ("GET", "requests"): self._requests,
            ("DELETE", "requests"): self._forget_requests,
            ("GET", "tasks"): self._tasks,
            ("DELETE", "tasks"): self._kill_task,
            **self._of_nodes(Outages(cluster, fronts)),
            **self._of_storages(StorageFaults(cluster)),
            **self._of_strangers(Stranger(cluster, self._hands)),
        }

    @staticmethod
    def _of_nodes(outages: Outages) -> dict[tuple[str, str], Answer]:
        return {
            ("GET", "node"): outages.show_node,
            ("POST", "node"): outages.set_node,
            ("GET", "nodes"): outages.show_nodes,
            ("POST", "nodes"): outages.set_node,
            ("DELETE", "workers"): outages.kill_workers,
            ("POST", "restart"): outages.restart,
            ("GET", "quorum"): outages.show_quorum,
            ("POST", "quorum"): outages.set_quorum,
        }

    @staticmethod
    def _of_storages(storages: StorageFaults) -> dict[tuple[str, str], Answer]:
        return {
            ("GET", "storages"): storages.show_storages,
            ("POST", "storages"): storages.set_storage,
            ("GET", "locks"): storages.show_locks,
            ("POST", "locks"): storages.hold,
            ("DELETE", "locks"): storages.give_back,
        }

    @staticmethod
    def _of_strangers(stranger: Stranger) -> dict[tuple[str, str], Answer]:
        return {
            ("GET", "stranger"): stranger.show,
            ("POST", "stranger"): stranger.come,
            ("DELETE", "stranger"): stranger.go,
        }

    async def handle(self, request: Request) -> Response:
        """One answer; errors are `{"error": text}` with 400 or 404."""
        path = request.target.partition("?")[0].strip("/").removeprefix("testbed/")
        area, _, rest = path.partition("/")
        answer = self._answers.get((request.method, area))
        if answer is None:
            return _json(404, {"error": f"no {request.method} /{area}; there are {sorted(set(self._answers))}"})
        try:
            body = json.loads(request.body) if request.body else {}
            return _json(200, await answer(rest, body))
        except ApiError as error:
            return _json(400, {"error": error.text})
        except ValueError as error:
            return _json(400, {"error": f"the body is not what is expected: {error}"})

    async def _list_faults(self, _rest: str, _body: Any) -> Any:
        return self._faults.listing()

    async def _add_faults(self, _rest: str, body: Any) -> Any:
        self._faults.add(body)
        return self._faults.listing()

    async def _clear_faults(self, _rest: str, _body: Any) -> Any:
        self._faults.clear()
        return []

    async def _tick(self, _rest: str, _body: Any) -> Any:
        for node in self._cluster.nodes.values():
            if node.online:
                node.stats.tick()
        return {}

    async def _turn_knobs(self, _rest: str, body: dict[str, Any]) -> Any:
        return self._cluster.knobs.turn(body)

    async def _show_vms(self, rest: str, _body: Any) -> Any:
        if rest:
            return self._row(self._hands.vm(rest))
        rows = [self._row(vm) for vm in self._cluster.vms]
        orphans = sorted(volume.volid for volume in self._cluster.volumes if volume.vmid not in self._cluster.vms)
        counts = {
            "vms": len(rows),
            "templates": sum(row["template"] for row in rows),
            "running": sum(row["running"] for row in rows),
            "locked": sum(row["lock"] is not None for row in rows),
            "volumes": len(self._cluster.volumes),
            "orphan_volumes": len(orphans),
        }
        return {"counts": counts, "orphan_volumes": orphans, "vms": rows}

    def _row(self, vm: Vm) -> dict[str, Any]:
        node = self._hands.home(vm)
        return {
            "vmid": vm.vmid,
            "node": vm.node,
            "name": vm.name,
            "uuid": vm.uuid,
            "guests": vm.kind,
            "template": vm.template,
            "running": node.running(vm),
            "paused": node.paused(vm),
            "lock": vm.lock,
            "config": vm.config,
            "volumes": sorted(volume.volid for volume in self._cluster.volumes.of(vm.vmid)),
            "behaviour": vm.behaviour,
        }

    async def _create_vm(self, rest: str, body: dict[str, Any]) -> Any:
        await self._hands.create(int(rest), body)
        return await self._show_vms(rest if int(rest) in self._cluster.vms else "", {})

    async def _change_vm(self, rest: str, body: dict[str, Any]) -> Any:
        vm = self._hands.vm(rest)
        await self._hands.change(vm, body)
        return self._row(vm)

    async def _delete_vm(self, rest: str, _body: Any) -> Any:
        await self._hands.delete(self._hands.vm(rest))
        return {}

    async def _requests(self, _rest: str, _body: Any) -> Any:
        return list(self._seen)

    async def _forget_requests(self, _rest: str, _body: Any) -> Any:
        self._seen.clear()
        return []

    async def _tasks(self, _rest: str, _body: Any) -> Any:
        return [task.upid for node in self._cluster.nodes.values() for task in node.tasks.active()]

    async def _kill_task(self, rest: str, _body: Any) -> Any:
        for node in self._cluster.nodes.values():
            await node.tasks.kill(rest)
        return {}


def _json(status: int, body: Any) -> Response:
    return Response(status, "OK" if status == 200 else "Error", msgspec.json.encode(body), "application/json")
