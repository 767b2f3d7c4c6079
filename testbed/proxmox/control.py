"""The control interface: faults, clocks and outside hands. Plain HTTP with JSON, on loopback only."""

import json
from collections.abc import Awaitable, Callable, Mapping
from typing import Any, get_args

import msgspec

from testbed.proxmox.errors import ApiError, Die, parameter_errors
from testbed.proxmox.http_server import HttpServer, Request, Response
from testbed.proxmox.node import Node
from testbed.proxmox.options import OPTIONS
from testbed.proxmox.server import Api, NodeState
from testbed.proxmox.sim import SimGuests
from testbed.proxmox.vms import Vm

Answer = Callable[[str, dict[str, Any]], Awaitable[Any]]
BEHAVIOUR = ("ignore_acpi", "boot_seconds", "shutdown_seconds", "agent_silent")
POWERS = ("start", "stop", "crash", "pause", "resume")


class Control:
    """Answers the control requests of one testbed."""

    def __init__(self, node: Node, api: Api, front: HttpServer) -> None:
        self._node = node
        self._api = api
        self._faults = api.faults
        self._front = front
        self._answers: Mapping[tuple[str, str], Answer] = {
            ("GET", "faults"): self._list_faults,
            ("POST", "faults"): self._add_faults,
            ("DELETE", "faults"): self._clear_faults,
            ("GET", "node"): self._show_node,
            ("POST", "node"): self._set_node,
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
        area, _, rest = request.target.partition("?")[0].strip("/").partition("/")
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

    async def _show_node(self, _rest: str, _body: Any) -> Any:
        return {"node": self._node.name, "state": self._api.state}

    async def _set_node(self, _rest: str, body: dict[str, Any]) -> Any:
        state: NodeState = body.get("state", "")
        if state not in get_args(NodeState):
            raise parameter_errors({"state": f"one of {', '.join(get_args(NodeState))}"})
        if state == "down" and self._api.state != "down":
            await self._front.stop()
        if state != "down" and self._api.state == "down":
            await self._front.start("127.0.0.1", self._front.port)
        self._api.state = state
        return await self._show_node("", {})

    async def _tick(self, _rest: str, _body: Any) -> Any:
        self._node.stats.tick()
        return {}

    async def _turn_knobs(self, _rest: str, body: dict[str, Any]) -> Any:
        return self._node.knobs.turn(body)

    async def _show_vms(self, rest: str, _body: Any) -> Any:
        if rest:
            return self._row(self._vm(rest))
        rows = [self._row(vm) for vm in self._node.vms]
        known = {vm.vmid for vm in self._node.vms}
        orphans = sorted(volume.volid for volume in self._node.volumes if volume.vmid not in known)
        counts = {
            "vms": len(rows),
            "templates": sum(row["template"] for row in rows),
            "running": sum(row["running"] for row in rows),
            "locked": sum(row["lock"] is not None for row in rows),
            "volumes": len(self._node.volumes),
            "orphan_volumes": len(orphans),
        }
        return {"counts": counts, "orphan_volumes": orphans, "vms": rows}

    def _row(self, vm: Vm) -> dict[str, Any]:
        return {
            "vmid": vm.vmid,
            "name": vm.name,
            "uuid": vm.uuid,
            "guests": vm.kind,
            "template": vm.template,
            "running": self._node.running(vm),
            "paused": self._node.paused(vm),
            "lock": vm.lock,
            "config": vm.config,
            "volumes": sorted(volume.volid for volume in self._node.volumes.of(vm.vmid)),
            "behaviour": vm.behaviour,
        }

    def _vm(self, text: str) -> Vm:
        return self._node.vms.load(int(text))

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
        self._node.vms.save(vm)

    async def _power(self, vm: Vm, power: str) -> None:
        guests = self._node.guests(vm)
        if power == "start":
            await self._node.start(vm)
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
        return list(self._api.requests)

    async def _forget_requests(self, _rest: str, _body: Any) -> Any:
        self._api.requests.clear()
        return []

    async def _tasks(self, _rest: str, _body: Any) -> Any:
        return [task.upid for task in self._node.tasks.active()]

    async def _kill_task(self, rest: str, _body: Any) -> Any:
        await self._node.tasks.kill(rest)
        return {}


def _json(status: int, body: Any) -> Response:
    return Response(status, "OK" if status == 200 else "Error", msgspec.json.encode(body), "application/json")
