"""What befalls whole nodes on demand: network and power cuts, dead or frozen daemons, wrong clocks, a lost quorum."""

import asyncio
from collections.abc import Mapping
from typing import Any, get_args

from testbed.proxmox.api.startall import resume_service
from testbed.proxmox.cluster.cluster import Cluster
from testbed.proxmox.cluster.node import Node, NodeState
from testbed.proxmox.errors import parameter_errors
from testbed.proxmox.http.http_server import HttpServer

HOST = "127.0.0.1"
DAEMONS = ("pvedaemon", "pveproxy")


class Outages:
    """Switches nodes, daemons, clocks and quorum. `fronts` are the nodes' servers by name."""

    def __init__(self, cluster: Cluster, fronts: Mapping[str, HttpServer]) -> None:
        self._cluster = cluster
        self._fronts = fronts
        cluster.switch = self._switch

    def node(self, name: str) -> Node:
        """A node by name; the first one if there is no name. Raises 400."""
        node = self._cluster.nodes.get(name) if name else self._cluster.first
        if node is None:
            raise parameter_errors({"node": f"one of {', '.join(self._cluster.nodes)}"})
        return node

    async def show_node(self, rest: str, _body: Any) -> Any:
        """A node's state and how far its clock is ahead, in seconds."""
        node = self.node(rest)
        return {"node": node.name, "state": node.state, "clock_skew": node.clock.skew}

    async def show_nodes(self, rest: str, _body: Any) -> Any:
        """All nodes, or the one that is named."""
        if rest:
            return await self.show_node(rest, {})
        return [await self.show_node(name, {}) for name in self._cluster.nodes]

    async def set_node(self, rest: str, body: dict[str, Any]) -> Any:
        """Change `state`, `clock_skew`, or both."""
        node, state, skew = self.node(rest), body.get("state"), body.get("clock_skew")
        if not {"state", "clock_skew"} & set(body) or state not in (None, *get_args(NodeState)):
            raise parameter_errors({"state": f"one of {', '.join(get_args(NodeState))}; or clock_skew, in seconds"})
        if not isinstance(skew, int | float | None):
            raise parameter_errors({"clock_skew": "seconds"})
        node.clock.skew = node.clock.skew if skew is None else float(skew)
        if state is not None:
            await self._switch(node, state)
        return await self.show_node(rest, {})

    async def _switch(self, node: Node, state: NodeState) -> None:
        reached, powered, node.state = node.online, node.state == "off", state
        node.daemon.frozen = state == "daemon_frozen"
        if reached and not node.online:
            await self._fronts[node.name].stop()
        if state == "off":
            await node.lose_power()
        if not reached and node.online:
            await self._listen(node)
        if powered and node.online:
            resume_service(node)

    async def _listen(self, node: Node) -> None:
        front = self._fronts[node.name]
        await front.start(HOST, front.port)

    async def kill_workers(self, rest: str, _body: Any) -> Any:
        """SIGKILL pvedaemon's workers."""
        return {"killed": self.node(rest).daemon.kill_workers()}

    async def restart(self, rest: str, body: dict[str, Any]) -> Any:
        """End a daemon where it is; it is back after `seconds`. Tasks go on."""
        node, daemon, seconds = self.node(rest), body.get("daemon", "pvedaemon"), float(body.get("seconds", 0))
        if daemon not in DAEMONS or not node.online:
            raise parameter_errors({"daemon": f"one of {', '.join(DAEMONS)}, on a node that is there"})
        if daemon == "pveproxy":
            await self._fronts[node.name].stop()
            self._cluster.soon(self._proxy_returns(node, seconds))
        else:
            node.state = "daemon_down"
            node.daemon.kill_workers()
            self._cluster.soon(self._daemon_returns(node, seconds))
        return {"node": node.name, "daemon": daemon, "seconds": seconds}

    async def _proxy_returns(self, node: Node, seconds: float) -> None:
        await asyncio.sleep(seconds)
        if node.online:
            await self._listen(node)

    async def _daemon_returns(self, node: Node, seconds: float) -> None:
        await asyncio.sleep(seconds)
        if node.state == "daemon_down":
            node.state = "up"

    async def show_quorum(self, _rest: str, _body: Any) -> Any:
        """Whether the cluster is quorate, and whether it was told not to be."""
        return {"quorate": self._cluster.quorate, "lost": self._cluster.quorum_lost}

    async def set_quorum(self, rest: str, body: dict[str, Any]) -> Any:
        """Lose it, or have it again as soon as enough nodes are there."""
        if not isinstance(body.get("lost"), bool):
            raise parameter_errors({"lost": "true or false"})
        self._cluster.quorum_lost = body["lost"]
        return await self.show_quorum(rest, {})
