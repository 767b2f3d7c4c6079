"""Backup jobs with a schedule, and guests without one (pve-manager API2/Backup.pm, Cluster/BackupInfo.pm).

Jobs are kept and given back; nothing runs them.
"""

import re
import uuid

from testbed.proxmox import formats
from testbed.proxmox.api.vzdump import JOB, LIMITING, ROOT_ONLY, check_job
from testbed.proxmox.calls import Call, perm, route
from testbed.proxmox.cluster.stats import Row
from testbed.proxmox.errors import Die, parameter_errors
from testbed.proxmox.schema import FormatError, Param, Schema, Values
from testbed.proxmox.storage import retention
from testbed.proxmox.vm.vms import Vm, drives, is_cdrom

AUDIT, MODIFY = perm("/", "Sys.Audit"), perm("/", "Sys.Modify")
KEY = "backup_jobs"
DAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
Jobs = dict[str, Values]


_VALUES = r"(?:\*|\d+)(?:\.\.\d+)?(?:/\d+)?(?:,(?:\*|\d+)(?:\.\.\d+)?(?:/\d+)?)*"
_DAY = rf"(?:{'|'.join(DAYS)})[a-z]*"
#: Days of the week, a date and a time, each of which may be missing; or a word for one of them.
_EVENT = re.compile(
    rf"(?:minutely|hourly|daily|weekly|monthly|quarterly|semiannually|yearly|annually)"
    rf"|(?=\S)(?:{_DAY}(?:\.\.{_DAY})?(?:,{_DAY}(?:\.\.{_DAY})?)*)?"
    rf"(?:(?:^|\s+)(?:{_VALUES}-)?{_VALUES}-{_VALUES})?(?:(?:^|\s+){_VALUES}(?::{_VALUES}){{0,2}})?",
    re.IGNORECASE,
)


def _schedule(text: str) -> None:
    if not _EVENT.fullmatch(text.strip()):
        raise FormatError(f"invalid calendar event '{text}' - unable to parse calendar event")


def _days(text: str) -> None:
    for day in formats.split_list(text):
        if day not in DAYS:
            raise FormatError(f"invalid day '{day}'")


TIMING: Schema = {
    "schedule": Param(max_length=128, check=_schedule),
    "starttime": Param(pattern=r"\d{1,2}:\d{1,2}"),
    "dow": Param(check=_days, requires="starttime", listed=True),
    "enabled": Param("boolean"),
    "repeat-missed": Param("boolean"),
    "comment": Param(max_length=512),
}
OPTIONS: Schema = {**JOB, **TIMING, "node": Param(check=formats.node_name)}
ID = Param(max_length=50, pattern=r"\S+", optional=False)
CREATION: Schema = {**OPTIONS, "id": Param(check=formats.config_id)}
CHANGE: Schema = {**OPTIONS, "id": ID, "delete": Param(check=formats.config_id_list, listed=True)}


def _load(call: Call) -> Jobs:
    found: Jobs = call.cluster.store.get("setting", KEY) or {}
    return found


def _save(call: Call, jobs: Jobs) -> None:
    call.cluster.store.put("setting", KEY, jobs)


def _shown(identifier: str, job: Values) -> Row:
    row: Row = {name: int(text) if _whole(name) else text for name, text in job.items()}
    if "prune-backups" in job:
        row["prune-backups"] = {name: str(count) for name, count in retention.parse(job["prune-backups"]).items()}
    return row | {"id": identifier, "type": "vzdump"}


def _whole(name: str) -> bool:
    return name in OPTIONS and OPTIONS[name].type in ("integer", "boolean")


def _existing(call: Call, jobs: Jobs) -> Values:
    identifier = call.values["id"]
    if identifier not in jobs:
        raise parameter_errors({"id": f"No such job '{identifier}'"})
    return jobs[identifier]


def _given(call: Call) -> Values:
    """The options of a call; the old way to say when becomes a schedule."""
    values = {name: text for name, text in call.values.items() if name in OPTIONS}
    start, days = values.pop("starttime", None), values.pop("dow", None)
    if start and "schedule" in values:
        raise parameter_errors({"starttime": "'starttime' and 'schedule' cannot both be set"})
    if start:
        named = ",".join(formats.split_list(days or ""))
        values["schedule"] = start if named in ("", ",".join(DAYS)) else f"{named} {start}"
    return values


def _check_rights(call: Call) -> None:
    if call.who.root:
        return
    for name in ROOT_ONLY:
        if name in call.values:
            raise parameter_errors({name: "Only root may set this option."})
    if any(name in call.values for name in LIMITING):
        call.check("/", "Sys.Modify")
    if "storage" in call.values:
        call.check(f"/storage/{call.values['storage']}", "Datastore.Allocate")


@route("GET", "/cluster/backup", AUDIT)
async def listing(call: Call) -> list[Row]:
    """All jobs."""
    return [_shown(identifier, job) for identifier, job in _load(call).items()]


@route("POST", "/cluster/backup", MODIFY, CREATION, protected=True)
async def create(call: Call) -> None:
    """A new job."""
    _check_rights(call)
    job, jobs = {"enabled": "1"} | _given(call), _load(call)
    if "schedule" not in job:
        raise parameter_errors({"schedule": "neither 'starttime' nor 'schedule' were set"})
    identifier = call.values.get("id", str(uuid.uuid4()))
    if identifier in jobs:
        raise Die(f"Job '{identifier}' already exists")
    check_job(job)
    _save(call, jobs | {identifier: job})


@route("GET", "/cluster/backup/{id}", AUDIT, {"id": ID})
async def read(call: Call) -> Row:
    """One job."""
    return _shown(call.values["id"], _existing(call, _load(call)))


@route("PUT", "/cluster/backup/{id}", MODIFY, CHANGE, protected=True)
async def update(call: Call) -> None:
    """Change a job."""
    _check_rights(call)
    jobs, given = _load(call), _given(call)
    gone = formats.split_list(call.values.get("delete", ""))
    if not given and not gone:
        raise Die("no options specified")
    if call.values["id"] not in jobs:
        raise Die("no such vzdump job")
    job = jobs[call.values["id"]]
    for name in gone:
        if name not in OPTIONS:
            raise parameter_errors({"delete": f"unknown option '{name}'"})
        job.pop(name, None)
    job |= given
    for name in _replaced(job, given):
        job.pop(name, None)
    check_job(job)
    _save(call, jobs)


def _replaced(job: Values, given: Values) -> tuple[str, ...]:
    """The ways of choosing guests that a new one takes the place of."""
    if "vmid" in given:
        return ("all", "exclude", "pool")
    if given.get("all") == "1":
        return ("vmid", "pool")
    return ("vmid", "all", "exclude") if "pool" in job else ()


@route("DELETE", "/cluster/backup/{id}", MODIFY, {"id": ID}, protected=True)
async def delete(call: Call) -> None:
    """Remove a job."""
    jobs = _load(call)
    _existing(call, jobs)
    jobs.pop(call.values["id"])
    _save(call, jobs)


# Which guests are covered


def _included(call: Call, job: Values) -> list[int]:
    pool = call.cluster.pools.get(job.get("pool", ""))
    if pool:
        return sorted(pool.vms)
    if "vmid" in job:
        return sorted(int(item) for item in formats.split_list(job["vmid"]))
    excluded = {int(item) for item in formats.split_list(job.get("exclude", ""))}
    chosen = [vm for vm in call.cluster.vms if job.get("node") in (None, vm.node)]
    return sorted(vm.vmid for vm in chosen if vm.vmid not in excluded)


def _may_see(call: Call, vmid: int) -> bool:
    return call.cluster.access.may(call.who, f"/vms/{vmid}", "VM.Audit")


@route("GET", "/cluster/backup/{id}/included_volumes", AUDIT, {"id": ID}, protected=True)
async def included_volumes(call: Call) -> Row:
    """The guests of a job as a tree with their disks."""
    wanted = _included(call, _existing(call, _load(call)))
    return {"children": [_tree(call.cluster.vms.get(vmid), vmid) for vmid in wanted if _may_see(call, vmid)]}


def _tree(vm: Vm | None, vmid: int) -> Row:
    if vm is None:
        return {"id": vmid, "type": "unknown", "leaf": 1}
    disks = [_leaf(vm, key, drive) for key, drive in drives(vm.config) if not is_cdrom(vm.config[key])]
    return {"id": vmid, "type": "qemu", "name": vm.name, "children": disks, "leaf": 0 if disks else 1}


def _leaf(vm: Vm, key: str, drive: dict[str, str]) -> Row:
    left_out = drive.get("backup") == "0"
    row: Row = {"id": f"{vm.vmid}:{key}", "name": drive["file"], "leaf": 1, "included": 0 if left_out else 1}
    return row | {"reason": "backup=no" if left_out else "backup=yes" if "backup" in drive else "enabled"}


@route("GET", "/cluster/backup-info/not-backed-up", AUDIT, protected=True)
async def not_backed_up(call: Call) -> list[Row]:
    """The guests that no job covers."""
    covered = {vmid for job in _load(call).values() for vmid in _included(call, job)}
    missing = [vm for vm in call.cluster.vms if vm.vmid not in covered and _may_see(call, vm.vmid)]
    return [{"vmid": vm.vmid, "type": "qemu", "name": vm.name} for vm in missing]
