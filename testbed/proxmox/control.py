"""The control interface: faults, clocks and outside hands. Plain HTTP with JSON, on loopback only."""

import json
from collections import deque
from collections.abc import Awaitable, Callable, Mapping
from typing import Any, get_args

import msgspec

from testbed.proxmox.cluster import Cluster
from testbed.proxmox.errors import ApiError, Die, parameter_errors
from testbed.proxmox.faults import Faults
from testbed.proxmox.http_server import HttpServer, Request, Response
from testbed.proxmox.node import Node, NodeState
from testbed.proxmox.options import OPTIONS
from testbed.proxmox.sim import SimGuests
from testbed.proxmox.vms import Vm

Answer = Callable[[str, dict[str, Any]], Awaitable[Any]]
BEHAVIOUR = ("ignore_acpi", "boot_seconds", "shutdown_seconds", "agent_silent")
POWERS = ("start", "stop", "crash", "pause", "resume")


class Control:
    """Answers the control requests of one testbed. `fronts` are the nodes' servers by name."""

    def __init__(
        self, cluster: Cluster, fronts: Mapping[str, HttpServer], faults: Faults, requests: deque[dict[str, Any]]
    ) -> None:
        self._cluster = cluster
        self._fronts = fronts
        self._faults = faults
        self._seen = requests
        self._answers: Mapping[tuple[str, str], Answer] = {
            ("GET", "faults"): self._list_faults,
            ("POST", "faults"): self._add_faults,
            ("DELETE", "faults"): self._clear_faults,
            ("GET", "node"): self._show_node,
            ("POST", "node"): self._set_node,
            ("GET", "nodes"): self._show_nodes,
            ("POST", "nodes"): self._set_node,
            ("DELETE", "workers"): self._kill_workers,
            ("POST", "tick"): self._tick,
            ("GET", "knobs"): self._turn_knobs,
            ("POST", "knobs"): self._turn_knobs,
            ("GET", "vms"): self._show_vms,
            ("POST", "vms"): self._change_vm,
            ("GET", "requests"): self._requests,
            ("DELETE", "requests"): self._forget_requests,
            ("GET", "tasks"): self._tasks,
            ("DELETE", "tasks"): self._kill_task,
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

    def _node(self, name: str) -> Node:
        """A node by name; the first one if there is no name."""
        node = self._cluster.nodes.get(name) if name else self._cluster.first
        if node is None:
            raise parameter_errors({"node": f"one of {', '.join(self._cluster.nodes)}"})
        return node

    async def _show_node(self, rest: str, _body: Any) -> Any:
        node = self._node(rest)
        return {"node": node.name, "state": node.state}

    async def _show_nodes(self, rest: str, _body: Any) -> Any:
        if rest:
            return await self._show_node(rest, {})
        return [await self._show_node(name, {}) for name in self._cluster.nodes]

    async def _set_node(self, rest: str, body: dict[str, Any]) -> Any:
        node, state = self._node(rest), body.get("state", "")
        if state not in get_args(NodeState):
            raise parameter_errors({"state": f"one of {', '.join(get_args(NodeState))}"})
        before, node.state, front = node.state, state, self._fronts[node.name]
        node.daemon.frozen = state == "daemon_frozen"
        if state == "down" and before != "down":
            await front.stop()
        if state != "down" and before == "down":
            await front.start("127.0.0.1", front.port)
        return await self._show_node(rest, {})

    async def _kill_workers(self, rest: str, _body: Any) -> Any:
        return {"killed": self._node(rest).daemon.kill_workers()}

    async def _tick(self, _rest: str, _body: Any) -> Any:
        for node in self._cluster.nodes.values():
            if node.online:
                node.stats.tick()
        return {}

    async def _turn_knobs(self, _rest: str, body: dict[str, Any]) -> Any:
        return self._cluster.knobs.turn(body)

    async def _show_vms(self, rest: str, _body: Any) -> Any:
        if rest:
            return self._row(self._vm(rest))
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
        node = self._home(vm)
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

    def _vm(self, text: str) -> Vm:
        vm = self._cluster.vms.get(int(text))
        return vm or self._cluster.first.vms.load(int(text))

    def _home(self, vm: Vm) -> Node:
        return self._cluster.nodes.get(vm.node, self._cluster.first)

    async def _change_vm(self, rest: str, body: dict[str, Any]) -> Any:
        unknown = set(body) - {"power", "config", "delete", *BEHAVIOUR}
        if unknown or body.get("power") not in (None, *POWERS):
            raise parameter_errors({"vm": f"unknown: {sorted(unknown)}; power is one of {', '.join(POWERS)}"})
        vm = self._vm(rest)
        vm.behaviour |= {key: body[key] for key in BEHAVIOUR if key in body}
        self._configure(vm, body.get("config", {}), body.get("delete", []))
        if "power" in body:
            await self._power(vm, body["power"])
        return self._row(vm)

    def _configure(self, vm: Vm, config: dict[str, Any], delete: list[str]) -> None:
        for name in [*config, *delete]:
            if name not in OPTIONS:
                raise parameter_errors({name: "no such option"})
        vm.config |= {name: str(value) for name, value in config.items()}
        for name in delete:
            vm.config.pop(name, None)
        self._cluster.vms.save(vm)

    async def _power(self, vm: Vm, power: str) -> None:
        guests = self._cluster.guests(vm.kind)
        if power == "start":
            await self._home(vm).start(vm)
        elif power == "stop":
            await guests.stop(vm.vmid)
        elif power == "pause":
            await guests.pause(vm.vmid)
        elif power == "resume":
            await guests.resume(vm.vmid)
        elif isinstance(guests, SimGuests):
            await guests.crash(vm.vmid)
        else:
            raise Die("only guests of kind sim crash on demand; stop this one's process instead")

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
