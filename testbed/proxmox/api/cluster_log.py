"""The cluster's log of tasks (pve-cluster logger.c, pve-manager API2/Cluster.pm)."""

from itertools import islice

from testbed.proxmox.calls import Call, everybody, route
from testbed.proxmox.cluster.stats import Row
from testbed.proxmox.cluster.tasks import Task
from testbed.proxmox.schema import Param

DEFAULT_ENTRIES = 50
INFO, ERROR = 6, 3


def _entry(task: Task, when: int, priority: int, text: str, uid: int) -> Row:
    row: Row = {"uid": uid, "time": when, "pri": priority, "tag": "pvedaemon", "pid": task.pid, "node": task.node}
    return row | {"user": task.user, "msg": text, "id": f"{uid}:{task.node}"}


def _entries(tasks: list[Task]) -> list[Row]:
    rows: list[Row] = []
    for number, task in enumerate(tasks):
        rows.append(_entry(task, task.starttime, INFO, f"starting task {task.upid}", 2 * number + 1))
        if task.exitstatus is not None:
            priority = ERROR if task.failed else INFO
            text = f"end task {task.upid} {task.exitstatus}"
            rows.append(_entry(task, task.endtime or task.starttime, priority, text, 2 * number + 2))
    return sorted(rows, key=lambda row: row["time"], reverse=True)


@route("GET", "/cluster/log", everybody, {"max": Param("integer", minimum=1)})
async def log(call: Call) -> list[Row]:
    """The newest entries; the caller's own without Sys.Syslog."""
    everything = call.node.access.may(call.who, "/", "Sys.Syslog")
    wanted = call.number("max", DEFAULT_ENTRIES)
    nodes = call.cluster.nodes.values()
    tasks = [task for node in nodes for task in [*node.tasks.active(), *islice(node.tasks.archive(), wanted)]]
    mine = [task for task in tasks if everything or task.user == call.who.id]
    return _entries(sorted(mine, key=lambda task: task.starttime))[:wanted]
