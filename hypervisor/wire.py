"""Between Proxmox's parameters and our words: pure functions, nothing here talks to anyone.

Formats: qemu-server QemuServer.pm, QemuServer/Drive.pm, QemuServer/Network.pm, QemuServer/Cloudinit.pm;
pve-common UPID.pm, JSONSchema.pm parse_property_string.
"""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Iterable, Mapping
from typing import Any, NamedTuple
from urllib.parse import quote

from hypervisor.port import (
    GuestAddress,
    GuestConfig,
    GuestRow,
    GuestSettings,
    GuestStatus,
    IpConfig,
    Nic,
    Node,
    Power,
    RowStatus,
    Task,
    Uplink,
)
from hypervisor.texts import sort_task

Wire = Mapping[str, Any]

MIB = 1024 * 1024
GUESTS = {"qemu", "lxc"}
NO_TAGS = frozenset[str]()
NOTHING: Wire = {}
UPID = re.compile(
    r"^UPID:(?P<node>[a-zA-Z0-9-]+):(?P<pid>[0-9A-F]{8}):(?P<pstart>[0-9A-F]{8,9}):(?P<start>[0-9A-F]{8}):"
    r"(?P<kind>[^:\s/]+):(?P<id>[^:\s/]*):(?P<user>[^:\s/]+):$"
)
MAC = re.compile(r"^[0-9A-F]{2}(:[0-9A-F]{2}){5}$")
DRIVE = re.compile(r"^((scsi|virtio|ide|sata)\d+|efidisk0|tpmstate0)$")
SIZE_UNIT_GIB = {"": 1 / 1024**3, "K": 1 / 1024**2, "M": 1 / 1024, "G": 1.0, "T": 1024.0}


def properties(text: str, default: str = "") -> dict[str, str]:
    """A property string such as "local:101/disk.qcow2,size=20G" as a mapping.

    A part without "=" is filed under `default`.
    """
    parts = (part.partition("=") for part in text.split(",") if part)
    return dict((key, value) if equals else (default, key) for key, equals, value in parts)


def tags_of(text: str | None) -> frozenset[str]:
    return frozenset(re.split(r"[;,\s]+", text.strip())) - {""} if text else NO_TAGS


def node_of(row: Wire) -> Node:
    return Node(
        name=row["node"],
        online=row.get("status") == "online",
        cpus=int(row.get("maxcpu") or 0),
        memory_mib=int(row.get("maxmem") or 0) // MIB,
        memory_used_mib=int(row.get("mem") or 0) // MIB,
    )


def quorate_of(rows: Iterable[Wire]) -> bool:
    """A node that stands alone has no line for the cluster, and nobody to disagree with."""
    return all(row.get("quorate") for row in rows if row["type"] == "cluster")


def ties_of(data: Wire) -> list[str]:
    """What keeps a guest on its node (qemu-server API2/Qemu.pm migrate_vm_precondition)."""
    disks = [str(disk["volid"]) for disk in data.get("local_disks", [])]
    return sorted(disks) + [str(device) for device in data.get("local_resources", [])]


def rows_of(rows: Iterable[Wire]) -> list[GuestRow]:
    return [row_of(row) for row in rows if row["type"] in GUESTS]


def volumes_of(rows: Iterable[Wire]) -> list[str]:
    """Disks only: backups of a guest are filed under its VMID as well, and outlive it."""
    return sorted(row["volid"] for row in rows if row.get("content") in {"images", "rootdir"})


def row_of(row: Wire) -> GuestRow:
    get = row.get
    return GuestRow(
        int(row["vmid"]),
        row["node"],
        row["type"],
        get("name"),
        _row_status(get("status")),
        get("lock"),
        bool(get("template")),
        tags_of(get("tags")),
        int(get("maxmem") or 0) // MIB,
        int(get("maxcpu") or 0),
        int(get("uptime") or 0),
    )


def _row_status(status: str | None) -> RowStatus:
    """The bulk read carries QEMU's run state, of which there are a dozen; all but these have a halted
    process.
    """
    match status:
        case "running" | "stopped":
            return status
        case None | "unknown":
            return "unknown"
    return "paused"


def config_of(node: str, vmid: int, config: Wire) -> GuestConfig:
    drives = {key: properties(value, "file") for key, value in config.items() if DRIVE.match(key)}
    disks = {key: drive for key, drive in drives.items() if drive.get("media") != "cdrom"}
    return GuestConfig(
        vmid=vmid,
        node=node,
        name=config.get("name"),
        description=config.get("description") or "",
        smbios_uuid=properties(config.get("smbios1", "")).get("uuid"),
        macs=_macs(config),
        volumes={key: drive.get("file", "") for key, drive in disks.items()},
        disk_gib={key: _gib(drive["size"]) for key, drive in disks.items() if "size" in drive},
        cores=int(config.get("cores") or 1) * int(config.get("sockets") or 1),
        memory_mib=int(properties(str(config.get("memory") or 512), "current")["current"]),
        lock=config.get("lock"),
        digest=config.get("digest") or "",
        ipconfig=_ipconfigs(config),
        template=bool(config.get("template")),
        tags=tags_of(config.get("tags")),
        protection=bool(config.get("protection")),
        agent_enabled=_truth(properties(str(config.get("agent") or "0"), "enabled").get("enabled", "0")),
        cloudinit_drive=next((key for key, drive in drives.items() if _is_cloudinit(drive)), None),
        nics={key: nic_of(value) for key, value in config.items() if re.match(r"^net\d+$", key)},
        unused={key: value for key, value in config.items() if re.match(r"^unused\d+$", key)},
        vendor_data=properties(config.get("cicustom", "")).get("vendor"),
    )


def nic_of(text: str) -> Nic:
    card = properties(text)
    mac = next((value.upper() for value in card.values() if MAC.match(value.upper())), "")
    vlan = card.get("tag")
    return Nic(mac, card.get("bridge", ""), _truth(card.get("firewall", "0")), int(vlan) if vlan else None)


def plugged(card: str, uplink: Uplink) -> str:
    """A network card's text, plugged in elsewhere; whatever else it says stays."""
    others = [part for part in card.split(",") if not part.startswith(("bridge=", "tag="))]
    tag = [f"tag={uplink.vlan}"] if uplink.vlan is not None else []
    return ",".join([*others, f"bridge={uplink.bridge}", *tag])


def with_vendor_data(files: str, volume: str) -> str:
    """The custom files of a cloud-init drive with another for the vendor's, none if it is empty; the others stay."""
    others = {part: named for part, named in properties(files).items() if part != "vendor"}
    return ",".join(f"{part}={named}" for part, named in (others | ({"vendor": volume} if volume else {})).items())


def _macs(config: Wire) -> dict[str, str]:
    cards = {key: properties(value) for key, value in config.items() if re.match(r"^net\d+$", key)}
    found = {key: [v.upper() for v in card.values() if MAC.match(v.upper())] for key, card in cards.items()}
    return {key: macs[0] for key, macs in found.items() if macs}


def _ipconfigs(config: Wire) -> dict[str, IpConfig]:
    keys = [key for key in config if re.match(r"^ipconfig\d+$", key)]
    return {key.replace("ipconfig", "net"): ipconfig_of(config[key]) for key in keys}


def ipconfig_of(text: str) -> IpConfig:
    parts = properties(text)
    return IpConfig(parts.get("ip"), parts.get("gw"), parts.get("ip6"), parts.get("gw6"))


def _gib(size: str) -> float:
    match = re.match(r"^(\d+(?:\.\d+)?)([KMGT]?)$", size)
    return float(match[1]) * SIZE_UNIT_GIB[match[2]] if match else 0.0


def _truth(text: str) -> bool:
    return text.lower() in {"1", "on", "yes", "true"}


def _is_cloudinit(drive: Mapping[str, str]) -> bool:
    return drive.get("media") == "cdrom" and bool(re.search(r"vm-\d+-cloudinit|:cloudinit$", drive.get("file", "")))


def status_of(data: Wire) -> GuestStatus:
    return GuestStatus(
        power=_power(data),
        lock=data.get("lock"),
        uptime_s=int(data.get("uptime") or 0),
        pid=int(data["pid"]) if data.get("pid") else None,
        agent_enabled=bool(data.get("agent")),
    )


def _power(data: Wire) -> Power:
    if data.get("status") != "running":
        return "stopped"
    return "running" if data.get("qmpstatus", "running") == "running" else "paused"


def addresses_of(interfaces: Iterable[Wire]) -> list[GuestAddress]:
    return [
        GuestAddress(
            mac=card["hardware-address"].upper(),
            address=entry["ip-address"],
            prefix=int(entry["prefix"]),
            family=6 if entry["ip-address-type"] == "ipv6" else 4,
        )
        for card in interfaces
        for entry in card.get("ip-addresses") or []
        if card.get("hardware-address") and _reachable(entry["ip-address"])
    ]


def _reachable(address: str) -> bool:
    ip = ipaddress.ip_address(address.partition("%")[0])
    return not (ip.is_loopback or ip.is_link_local)


class Upid(NamedTuple):
    """The parts of a task id; `id` is usually a VMID and may be empty."""

    node: str
    start: int
    kind: str
    id: str
    user: str


def upid_of(text: str) -> Upid | None:
    match = UPID.match(text)
    if not match:
        return None
    return Upid(match["node"], int(match["start"], 16), match["kind"], match["id"], match["user"])


def task_of(data: Wire) -> Task:
    """A task from its status or from a line of the task list. Raises ValueError when its id is not one."""
    upid = upid_of(data["upid"])
    if upid is None:
        raise ValueError(f"{data['upid']!r} is not a task id")
    return _task(data["upid"], upid, _exit_text(data), data.get("endtime"))


def tasks_of(rows: Iterable[Wire]) -> list[Task]:
    return [task_of(row) for row in rows]


def _exit_text(data: Wire) -> str | None:
    """None while running. A status has `status` and `exitstatus`, a line of the list only `status`."""
    status = data.get("status")
    if "exitstatus" in data or status == "stopped":
        return str(data.get("exitstatus") or "unexpected status")
    return None if status is None or status.upper() == "RUNNING" else str(status)


def _task(text: str, upid: Upid, said: str | None, ended: int | None) -> Task:
    succeeded = said is not None and (said == "OK" or said.startswith("WARNINGS"))
    lost = said is not None and re.match(r"^(unexpected status|unable to (get|read) )", said) is not None
    failed = said is not None and not succeeded and not lost
    return Task(
        upid=text,
        node=upid.node,
        kind=upid.kind,
        vmid=int(upid.id) if upid.id.isdigit() else None,
        user=upid.user,
        state="lost" if lost else "failed" if failed else "succeeded" if succeeded else "running",
        text=said or "",
        cause=sort_task(said) if failed and said else None,
        warnings=succeeded and said != "OK",
        started_at=upid.start,
        ended_at=ended,
    )


def settings_params(settings: GuestSettings, config: Wire = NOTHING) -> dict[str, str | int]:
    """The parameters of a configuration change, the `delete` list included. What is only a part of a value is put into
    the one that `config` has.

    `cores` is the whole number of cores, so that the sockets become one. Raises ValueError as `ipconfig_text`
    does.
    """
    cores = settings.cores
    wanted: dict[str, str | int | None] = {
        "name": settings.name,
        "description": settings.description,
        "tags": None if settings.tags is None else ";".join(sorted(settings.tags)),
        "cores": cores,
        "sockets": None if cores is None else 1,
        "memory": settings.memory_mib,
        "protection": _bit(settings.protection),
        "onboot": _bit(settings.start_at_boot),
        "ciuser": settings.user,
        "cipassword": settings.password,
        "sshkeys": None if settings.ssh_keys is None else sshkeys_text(settings.ssh_keys),
        "nameserver": settings.nameserver,
        "searchdomain": settings.search_domain,
        "ciupgrade": _bit(settings.upgrade_packages),
        "cicustom": _vendor_data(settings, config),
    }
    wanted |= {card: plugged(config[card], uplink) for card, uplink in settings.uplinks.items() if card in config}
    wanted |= {key.replace("net", "ipconfig"): ipconfig_text(ip) for key, ip in settings.ipconfig.items()}
    params = {key: value for key, value in wanted.items() if value is not None and value != ""}
    removed = [key for key, value in wanted.items() if value == ""]
    return params | ({"delete": ",".join(removed)} if removed else {})


def _vendor_data(settings: GuestSettings, config: Wire) -> str | None:
    if settings.vendor_data is None or (not settings.vendor_data and "cicustom" not in config):
        return None
    return with_vendor_data(config.get("cicustom", ""), settings.vendor_data)


def _bit(value: bool | None) -> int | None:
    return None if value is None else int(value)


def sshkeys_text(keys: Iterable[str]) -> str:
    """Proxmox wants this one value percent-encoded by itself, and the form encoded again around it."""
    return quote("\n".join(key.strip() for key in keys), safe="")


def ipconfig_text(config: IpConfig) -> str:
    """The value of ipconfigN; "" removes it.

    Raises ValueError naming what is wrong: Proxmox takes a gateway beside DHCP but then ignores the whole
    entry.
    """
    _check_family(config.address, config.gateway, 4, {"dhcp"})
    _check_family(config.address6, config.gateway6, 6, {"dhcp", "auto"})
    parts = {"ip": config.address, "gw": config.gateway, "ip6": config.address6, "gw6": config.gateway6}
    return ",".join(f"{key}={value}" for key, value in parts.items() if value)


def _check_family(address: str | None, gateway: str | None, family: int, words: set[str]) -> None:
    if address and address not in words:
        if "/" not in address or ipaddress.ip_interface(address).version != family:
            raise ValueError(f"{address!r} is not an IPv{family} address with a prefix length")
    elif gateway:
        raise ValueError(f"gateway {gateway!r} needs a fixed IPv{family} address")
    if gateway and ipaddress.ip_address(gateway).version != family:
        raise ValueError(f"gateway {gateway!r} is not an IPv{family} address")
