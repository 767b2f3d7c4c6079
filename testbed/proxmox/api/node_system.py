"""The node's operating system: names, services, logs, packages, certificates (pve-manager API2/Nodes.pm and others)."""

import hashlib
import time
from typing import Any

from cryptography import x509
from cryptography.hazmat.primitives import serialization

from testbed.proxmox import formats
from testbed.proxmox.calls import Call, Page, everybody, perm, route
from testbed.proxmox.cluster.stats import Row
from testbed.proxmox.cluster.tasks import Worker
from testbed.proxmox.errors import Die
from testbed.proxmox.schema import Param

AUDIT = perm("/nodes/{node}", "Sys.Audit")
MODIFY = perm("/nodes/{node}", "Sys.Modify")
FROM_ZERO = Param("integer", minimum=0)
SUBSCRIPTION_URL = "https://www.proxmox.com/en/proxmox-virtual-environment/pricing"


def _kept(call: Call, what: str, default: Any) -> Any:
    found = call.node.store.get("setting", f"{what}:{call.node.name}")
    return default if found is None else found


def _keep(call: Call, what: str, value: Any) -> None:
    call.node.store.put("setting", f"{what}:{call.node.name}", value)


# Names

DNS = {f"dns{number}": Param(check=formats.ip_address) for number in (1, 2, 3)}


@route("GET", "/nodes/{node}/dns", AUDIT)
async def dns(call: Call) -> Row:
    """The resolver's settings."""
    found: Row = _kept(call, "dns", {"dns1": "10.255.255.53"})
    return found


@route("PUT", "/nodes/{node}/dns", MODIFY, {"search": Param(optional=False), **DNS}, protected=True)
async def set_dns(call: Call) -> None:
    """Replace them."""
    _keep(call, "dns", {key: value for key, value in call.values.items() if key != "node"})


def _hosts(call: Call) -> str:
    default = f"127.0.0.1 localhost.localdomain localhost\n127.0.0.1 {call.node.name}\n"
    return str(_kept(call, "hosts", default))


def _digest(text: str) -> str:
    return hashlib.sha1(text.encode(), usedforsecurity=False).hexdigest()


@route("GET", "/nodes/{node}/hosts", perm("/", "Sys.Audit"), protected=True)
async def hosts(call: Call) -> Row:
    """The text of /etc/hosts."""
    text = _hosts(call)
    return {"data": text, "digest": _digest(text)}


HOSTS = {"data": Param(optional=False), "digest": Param(max_length=64)}


@route("POST", "/nodes/{node}/hosts", MODIFY, HOSTS, protected=True)
async def set_hosts(call: Call) -> None:
    """Replace it."""
    if call.values.get("digest", _digest(_hosts(call))) != _digest(_hosts(call)):
        raise Die("detected modified configuration - file changed by other user? Try again.")
    _keep(call, "hosts", call.values["data"])


@route("GET", "/nodes/{node}/config", perm("/", "Sys.Audit"), {"property": Param()})
async def config(call: Call) -> Row:
    """The node's own options; there are none."""
    return {"digest": _digest("")} if "property" not in call.values else {}


# Services and logs

SERVICES = {
    "chrony": "chrony, an NTP client/server",
    "corosync": "Corosync Cluster Engine",
    "cron": "Regular background program processing daemon",
    "ksmtuned": "Kernel Samepage Merging (KSM) Tuning Daemon",
    "postfix": "Postfix Mail Transport Agent (instance -)",
    "pve-cluster": "The Proxmox VE cluster filesystem",
    "pve-firewall": "Proxmox VE firewall",
    "pve-ha-crm": "PVE Cluster HA Resource Manager Daemon",
    "pve-ha-lrm": "PVE Local HA Resource Manager Daemon",
    "pvedaemon": "PVE API Daemon",
    "pvefw-logger": "Proxmox VE firewall logger",
    "pveproxy": "PVE API Proxy Server",
    "pvescheduler": "Proxmox VE scheduler",
    "pvestatd": "PVE Status Daemon",
    "spiceproxy": "PVE SPICE Proxy Server",
    "sshd": "OpenBSD Secure Shell server",
    "syslog": "syslog.service",
    "systemd-journald": "Journal Service",
    "systemd-timesyncd": "systemd-timesyncd.service",
}
NOT_INSTALLED = ("syslog", "systemd-timesyncd")
SERVICE = {"service": Param(optional=False, enum=tuple(SERVICES))}
SERVICE_VERBS = ("state", "start", "stop", "restart", "reload")


def _service(call: Call, name: str) -> Row:
    row = {"name": name, "service": name, "desc": SERVICES[name]}
    if name in NOT_INSTALLED:
        return row | {"state": "dead", "active-state": "inactive", "unit-state": "not-found"}
    if name == "corosync" and call.cluster.name is None:
        return row | {"state": "dead", "active-state": "inactive", "unit-state": "enabled"}
    return row | {"state": "running", "active-state": "active", "unit-state": "enabled"}


@route("GET", "/nodes/{node}/services", AUDIT, protected=True)
async def services(call: Call) -> list[Row]:
    """The daemons."""
    return [_service(call, name) for name in SERVICES]


@route("GET", "/nodes/{node}/services/{service}", AUDIT, SERVICE, at_entry=True)
async def service_index(_call: Call) -> list[Row]:
    """What can be asked of a daemon."""
    return [{"subdir": name} for name in SERVICE_VERBS]


@route("GET", "/nodes/{node}/services/{service}/state", AUDIT, SERVICE, protected=True)
async def service_state(call: Call) -> Row:
    """One daemon."""
    return _service(call, call.values["service"])


async def _switched(_worker: Worker) -> None:
    """Services run whatever they are told."""


def _switch(verb: str) -> None:
    @route("POST", f"/nodes/{{node}}/services/{{service}}/{verb}", MODIFY, SERVICE, protected=True)
    async def switch(call: Call) -> str:
        return call.node.tasks.start(f"srv{verb}", call.values["service"], call.who.id, _switched)


for _verb in ("start", "stop", "restart", "reload"):
    _switch(_verb)


DATE = Param(pattern=r"\d{4}-\d{2}-\d{2}( \d{2}:\d{2}(:\d{2})?)?")
SYSLOG = {
    "start": FROM_ZERO,
    "limit": FROM_ZERO,
    "since": DATE,
    "until": DATE,
    "service": Param(max_length=128),
}


def _journal(call: Call) -> list[str]:
    booted = time.strftime("%b %d %H:%M:%S", time.gmtime(call.node.boot_time))
    daemons = (name for name in SERVICES if name.startswith(("pve", "spice")))
    return [f"{booted} {call.node.name} systemd[1]: Started {name}.service - {SERVICES[name]}." for name in daemons]


@route("GET", "/nodes/{node}/syslog", perm("/nodes/{node}", "Sys.Syslog"), SYSLOG, protected=True)
async def syslog(call: Call) -> Page:
    """The system's log: that the daemons were started."""
    lines = _journal(call)
    start, limit = call.number("start", 0), call.number("limit", 50) or 50
    shown = [{"n": number, "t": text} for number, text in enumerate(lines, 1)]
    return Page(shown[start : start + limit], len(lines))


JOURNAL = {
    "since": FROM_ZERO,
    "until": FROM_ZERO,
    "lastentries": FROM_ZERO,
    "startcursor": Param(),
    "endcursor": Param(),
}


@route("GET", "/nodes/{node}/journal", perm("/nodes/{node}", "Sys.Syslog"), JOURNAL, protected=True)
async def journal(call: Call) -> list[str]:
    """The same as lines between two cursors."""
    return ["s=testbed;i=1", *_journal(call), "s=testbed;i=2"]


@route("GET", "/nodes/{node}/netstat", AUDIT)
async def netstat(call: Call) -> list[Row]:
    """The traffic of each network card of each running VM."""
    rows: list[Row] = []
    for vm in call.node.vms:
        if vm.guest is None:
            continue
        traffic = call.node.stats.vm(vm)
        cards = [key for key in vm.config if key.startswith("net") and key[3:].isdigit()]
        rows += [
            {"vmid": str(vm.vmid), "dev": key, "in": str(traffic["netin"]), "out": str(traffic["netout"])}
            for key in cards
        ]
    return rows


@route("GET", "/nodes/{node}/report", AUDIT, protected=True)
async def report(call: Call) -> str:
    """What the support would ask for."""
    return f"\n==== general system info ====\n\n# hostname\n{call.node.name}\n\n# pveversion --verbose\n"


# Packages and licences


@route("GET", "/nodes/{node}/subscription", everybody)
async def subscription(call: Call) -> Row:
    """That there is none."""
    row: Row = {"status": "notfound", "message": "There is no subscription key", "url": SUBSCRIPTION_URL}
    serverid = hashlib.md5(call.node.name.encode(), usedforsecurity=False).hexdigest().upper()
    return row | ({"serverid": serverid} if call.node.access.may(call.who, call_path(call), "Sys.Audit") else {})


def call_path(call: Call) -> str:
    """The permission path of the node that a call is about."""
    return f"/nodes/{call.node.name}"


@route("GET", "/nodes/{node}/apt", everybody, at_entry=True)
async def apt(_call: Call) -> list[Row]:
    """What can be asked about packages."""
    return [{"id": name} for name in ("update", "versions")]


@route("GET", "/nodes/{node}/apt/update", MODIFY, protected=True)
async def updates(_call: Call) -> list[Row]:
    """Packages that could be updated: none."""
    return []


PACKAGES: dict[str, dict[str, str]] = {
    "8": {
        "proxmox-ve": "8.4.0",
        "libpve-storage-perl": "8.3.8",
        "pve-cluster": "8.1.3",
        "pve-firewall": "5.1.2",
        "pve-qemu-kvm": "9.2.0-8",
        "qemu-server": "8.4.10",
    },
    "9": {
        "proxmox-ve": "9.1.0",
        "libpve-storage-perl": "9.0.18",
        "pve-cluster": "9.0.6",
        "pve-firewall": "6.0.4",
        "pve-qemu-kvm": "10.1.2-3",
        "qemu-server": "9.0.30",
    },
}


@route("GET", "/nodes/{node}/apt/versions", AUDIT)
async def versions(call: Call) -> list[Row]:
    """The important packages."""
    fixed = {"CurrentState": "Installed", "Origin": "Proxmox", "Arch": "amd64", "Section": "admin"}
    found = PACKAGES[call.cluster.pve] | {"pve-manager": call.cluster.access.release.version["version"]}
    return [{"Package": name, "Version": text, "OldVersion": text} | fixed for name, text in sorted(found.items())]


APPLIANCES = ("debian-12-standard_12.12-1_amd64.tar.zst", "alpine-3.22-default_20250617_amd64.tar.xz")


@route("GET", "/nodes/{node}/aplinfo", everybody)
async def appliances(_call: Call) -> list[Row]:
    """Container templates that could be downloaded."""
    return [_appliance(name) for name in APPLIANCES]


def _appliance(name: str) -> Row:
    package, version, _ = name.split("_", 2)
    system = package.rpartition("-")[0]
    row = {"template": name, "package": package, "version": version, "os": system, "section": "system"}
    row |= {"type": "lxc", "headline": package, "source": "http://download.proxmox.com/images", "architecture": "amd64"}
    return row | {"location": f"http://download.proxmox.com/images/system/{name}"}


# Certificates


@route("GET", "/nodes/{node}/certificates", everybody, at_entry=True)
async def certificates(_call: Call) -> list[Row]:
    """What can be asked about certificates."""
    return [{"name": name} for name in ("acme", "custom", "info")]


@route("GET", "/nodes/{node}/certificates/info", everybody)
async def certificate(call: Call) -> list[Row]:
    """The certificate that the node's port shows."""
    found = x509.load_pem_x509_certificate((call.node.directory / "pve-ssl.pem").read_bytes())
    names = found.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    return [
        {
            "filename": "pve-ssl.pem",
            "fingerprint": call.node.fingerprint,
            "issuer": f"/{found.issuer.rfc4514_string()}",
            "subject": f"/{found.subject.rfc4514_string()}",
            "notbefore": int(found.not_valid_before_utc.timestamp()),
            "notafter": int(found.not_valid_after_utc.timestamp()),
            "pem": found.public_bytes(serialization.Encoding.PEM).decode(),
            "public-key-type": "id-ecPublicKey",
            "public-key-bits": 256,
            "san": [str(name.value) for name in names],
        }
    ]
