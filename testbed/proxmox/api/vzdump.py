"""Backups of VMs on demand (pve-manager API2/VZDump.pm, VZDump.pm)."""

import shlex

from testbed.proxmox import formats
from testbed.proxmox.access.config_rights import ConfigRights
from testbed.proxmox.api.prune_backups import keep_of
from testbed.proxmox.api.storage import AUDIT
from testbed.proxmox.calls import Call, everybody, route
from testbed.proxmox.cluster.stats import Row
from testbed.proxmox.cluster.tasks import Worker
from testbed.proxmox.errors import Die, parameter_errors
from testbed.proxmox.formats import PropertyString
from testbed.proxmox.schema import BETWEEN_ITEMS, Param, Schema, Values
from testbed.proxmox.storage import archives, backup, retention
from testbed.proxmox.storage.backup import Options
from testbed.proxmox.storage.contents import owner
from testbed.proxmox.storage.retention import Keep
from testbed.proxmox.storage.storage import storage_of

BOOLEAN, TEXT = Param("boolean"), Param()
FROM_ZERO = Param("integer", minimum=0)
LOCK = "/var/run/vzdump.lock"
ROOT_ONLY = ("tmpdir", "dumpdir", "script", "job-id")
LIMITING = ("bwlimit", "ionice", "performance")


def _vmids(text: str) -> None:
    for item in formats.split_list(text):
        formats.vmid(item)


FLEECING = PropertyString({"enabled": BOOLEAN, "storage": Param(check=formats.storage_id)}, "enabled")
PERFORMANCE = PropertyString(
    {
        "max-workers": Param("integer", minimum=1, maximum=256),
        "pbs-entries-max": Param("integer", minimum=1),
    }
)
JOB: Schema = {
    "all": BOOLEAN,
    "bwlimit": FROM_ZERO,
    "compress": Param(enum=("0", "1", "gzip", "lzo", "zstd")),
    "dumpdir": TEXT,
    "exclude": Param(check=_vmids, listed=True),
    "exclude-path": Param("array"),
    "fleecing": Param(check=FLEECING.named("fleecing")),
    "ionice": Param("integer", minimum=0, maximum=8),
    "lockwait": FROM_ZERO,
    "mailnotification": Param(enum=("always", "failure")),
    "mailto": Param(check=formats.each(formats.email_or_username), listed=True),
    "maxfiles": Param("integer", minimum=1),
    "mode": Param(enum=("snapshot", "suspend", "stop")),
    "node": Param(optional=False, check=formats.node_name),
    "notes-template": Param(max_length=1024, requires="storage"),
    "notification-mode": Param(enum=("auto", "legacy-sendmail", "notification-system")),
    "notification-policy": Param(enum=("always", "failure", "never"), until="8"),
    "notification-target": Param(check=formats.config_id, until="8"),
    "pbs-change-detection-mode": Param(enum=("legacy", "data", "metadata")),
    "performance": Param(check=PERFORMANCE.named("performance")),
    "pigz": Param("integer"),
    "pool": TEXT,
    "protected": Param("boolean", requires="storage"),
    "prune-backups": Param(check=retention.parse),
    "quiet": BOOLEAN,
    "remove": BOOLEAN,
    "script": TEXT,
    "stdexcludes": BOOLEAN,
    "stop": BOOLEAN,
    "stopwait": FROM_ZERO,
    "storage": Param(check=formats.storage_id),
    "tmpdir": TEXT,
    "vmid": Param(check=_vmids, listed=True),
    "zstd": Param("integer"),
}
PARAMETERS: Schema = {**JOB, "job-id": Param(max_length=50, pattern=r"\S+"), "stdout": BOOLEAN}
DEFAULT_LOCK_WAIT_MINUTES = 180


@route("POST", "/nodes/{node}/vzdump", everybody, PARAMETERS, protected=True)
async def vzdump(call: Call) -> str:
    """Back up in a task; `OK` and nothing else if none of the VMs is on this node."""
    if call.flag("stdout"):
        raise parameter_errors({"stdout": "option is only allowed on the command line interface."})
    _check_rights(call)
    check_job(call.values)
    here, elsewhere = _chosen(call)
    if call.flag("stop"):
        await _stop_running(call)
    if not here and not call.flag("all"):
        return "OK"
    if storage := _storage(call):
        call.check(f"/storage/{storage}", "Datastore.AllocateSpace")
    identifier = str(here[0]) if len(here) == 1 else ""
    return call.node.tasks.start("vzdump", identifier, call.who.id, lambda worker: _work(call, worker, here, elsewhere))


def _storage(call: Call) -> str | None:
    return None if "dumpdir" in call.values else call.values.get("storage", "local")


def _check_rights(call: Call) -> None:
    if not call.who.root:
        for name in ROOT_ONLY:
            if name in call.values:
                raise parameter_errors({name: "Only root may set this option."})
        if any(name in call.values for name in LIMITING):
            call.check("/", "Sys.Modify")
    if ("maxfiles" in call.values or "prune-backups" in call.values) and _storage(call):
        call.check(f"/storage/{_storage(call)}", "Datastore.Allocate")


def check_job(values: Values) -> None:
    """Complete the parameters of a job; raises 400 for those that do not go together."""
    for name in ("all", "exclude", "pool"):
        if "vmid" in values and values.get(name, "0") != "0":
            raise parameter_errors({name: "option conflicts with option 'vmid'"})
    if "prune-backups" in values and "maxfiles" in values:
        raise parameter_errors({"prune-backups": "option conflicts with option 'maxfiles'"})
    for problem in backup.problems(values.get("notes-template", "")):
        raise parameter_errors({"notes-template": problem})
    if "exclude" in values and "pool" not in values:
        values["all"] = "1"
    ways = (values.get("all") == "1", values.get("stop") == "1", "pool" in values, "vmid" in values)
    if not any(ways):
        raise parameter_errors({"vmid": "property is missing"})


def _chosen(call: Call) -> tuple[list[int], list[int]]:
    """The VMs to back up here, those that are gone included, and the ones on other nodes."""
    cluster = call.cluster
    excluded = {int(item) for item in formats.split_list(call.values.get("exclude", ""))}
    if "pool" in call.values:
        pool = cluster.pools.get(call.values["pool"])
        wanted = sorted(pool.vms) if pool else []
    elif "vmid" in call.values:
        wanted = [int(item) for item in formats.split_list(call.values["vmid"])]
    else:
        wanted = [vm.vmid for vm in cluster.vms if vm.vmid not in excluded] if call.flag("all") else []
    places = {vmid: cluster.vms.get(vmid) for vmid in wanted if vmid not in cluster.containers}
    here = [vmid for vmid, vm in places.items() if vm is None or vm.node == call.node.name]
    return sorted(here), sorted(set(places) - set(here))


async def _stop_running(call: Call) -> None:
    call.check(f"/nodes/{call.node.name}", "Sys.Modify")
    for task in call.node.tasks.active():
        if task.type == "vzdump":
            await call.node.tasks.stop(task.upid)


def _command(call: Call) -> str:
    """The job as the command line that would do the same."""
    vmids = " ".join(formats.split_list(call.values.get("vmid", "")))
    given = {name: text.split(BETWEEN_ITEMS) for name, text in sorted(call.values.items()) if name in JOB and text}
    rest = [f"--{name} {shlex.quote(text)}" for name, texts in given.items() for text in texts]
    return " ".join(filter(None, ["vzdump", vmids, *(part for part in rest if not part.startswith("--vmid "))]))


async def _work(call: Call, worker: Worker, here: list[int], elsewhere: list[int]) -> None:
    options = _options(call)

    def waiting(text: str) -> None:
        begun = "trying to get global lock - waiting..." if text.startswith("trying") else "got global lock"
        worker.say(f"INFO: {begun}")

    patience = call.number("lockwait", DEFAULT_LOCK_WAIT_MINUTES) * 60
    async with call.node.locks.hold(LOCK, patience, say=waiting):
        worker.say(f"INFO: starting new backup job: {_command(call)}")
        if elsewhere:
            worker.say(f"INFO: skip external VMs: {', '.join(map(str, elsewhere))}")
        allowed = [vmid for vmid in here if _may_back_up(call, vmid)]
        await backup.run(call.node, worker, allowed, options)


def _may_back_up(call: Call, vmid: int) -> bool:
    if call.flag("all"):
        return call.cluster.access.may(call.who, f"/vms/{vmid}", "VM.Backup")
    if vmid in call.node.vms:
        call.check(f"/vms/{vmid}", "VM.Backup")
    return True


def _options(call: Call) -> Options:
    """The job's options with the storage's defaults; raises `Die` for a storage that takes no backups."""
    values = call.values
    name = values.get("storage", "local")
    _check_storage(call, name)
    return Options(
        name,
        mode=values.get("mode", "snapshot"),
        compress=values.get("compress", "0"),
        notes=values.get("notes-template", ""),
        protected=call.flag("protected"),
        remove=call.flag("remove", default=True),
        keep=_keep(call, name),
        limit=call.number("bwlimit", 0),
        ionice=call.number("ionice", 7),
        stopwait=call.number("stopwait", 10),
    )


def _check_storage(call: Call, name: str) -> None:
    errors: list[str] = []
    try:
        call.cluster.storages.check_enabled(name, call.node.name)
    except Die as error:
        errors.append(f"could not activate storage '{name}': {error.message}")
    storage = call.cluster.storages.get(name)
    if storage is None:
        errors.append(f"could not get storage information for '{name}': storage '{name}' does not exist")
    elif "backup" not in storage.content:
        wrong = f"can't use storage '{name}' for backups - wrong content type"
        errors.append(f"could not get storage information for '{name}': {wrong}")
    if errors:
        raise Die("\n".join(errors))


def _keep(call: Call, name: str) -> Keep:
    values = call.values
    if "maxfiles" in values:
        return {"keep-last": int(values["maxfiles"])}
    if "prune-backups" in values:
        return retention.parse(values["prune-backups"])
    return keep_of(call.cluster.storages.load(name))


# What is asked before and after

DEFAULTS: Row = {
    "all": 0,
    "bwlimit": 0,
    "compress": "0",
    "ionice": 7,
    "lockwait": DEFAULT_LOCK_WAIT_MINUTES,
    "mailnotification": "always",
    "mode": "snapshot",
    "notification-mode": "auto",
    "notification-policy": "always",
    "pigz": 0,
    "prune-backups": "keep-all=1",
    "quiet": 0,
    "remove": 1,
    "stdexcludes": 1,
    "stop": 0,
    "stopwait": 10,
    "zstd": 1,
}


@route("GET", "/nodes/{node}/vzdump/defaults", everybody, {"storage": Param(check=formats.storage_id)})
async def defaults(call: Call) -> Row:
    """What a job on a storage does unless told."""
    name = call.values.get("storage", "local")
    call.cluster.access.check_any(call.who, f"/storage/{name}", *AUDIT)
    storage = call.cluster.storages.load(name)
    if "backup" not in storage.content:
        raise Die(f"can't use storage '{name}' for backups - wrong content type")
    row = DEFAULTS | {"storage": name, "dumpdir": f"{storage.path}/dump"}
    row["prune-backups"] = storage.options.get("prune-backups", row["prune-backups"])
    if not call.cluster.access.may(call.who, f"/nodes/{call.node.name}", "Sys.Audit"):
        row = {key: value for key, value in row.items() if key not in ("dumpdir", "ionice")}
    return row


@route("GET", "/nodes/{node}/vzdump/extractconfig", everybody, {"volume": Param(optional=False)}, protected=True)
async def extract_config(call: Call) -> str:
    """The configuration in a backup."""
    volid = call.values["volume"]
    ConfigRights(call.cluster.access, call.who, 0).volume(volid, "backup")
    call.cluster.storages.load(storage_of(volid))
    if (vmid := owner(volid.partition(":")[2])) is not None:
        call.check(f"/vms/{vmid}", "VM.Backup")
    volume = call.node.volumes.get(volid)
    if volume is None:
        raise Die(f"ERROR: file '{volid}' does not exist")
    return archives.load(call.node, volume).text
