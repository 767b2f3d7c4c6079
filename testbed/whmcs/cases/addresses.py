"""IP addresses and host names as people type them."""

from testbed.whmcs.cases.common import not_adoptable
from testbed.whmcs.catalogue import HOSTNAME_FIELD
from testbed.whmcs.stage import Stage
from testbed.whmcs.vms import mac_of


def e48_ips(stage: Stage) -> None:
    """Addresses with ports, spaces, prefixes; and things that are none."""
    client = stage.owner("E48")
    for form in ("{}:8443", " {} ", "{}/24"):
        service = stage.sell(client)
        service.row["dedicatedip"] = form.format(service.address.ip)
    six = stage.sell(client)
    six.row["dedicatedip"] = six.truth.address = "2001:db8:10::5"
    none = stage.sell(client)
    none.row["dedicatedip"], none.truth.address = "N/A", None
    none.truth.warnings.append("ip_unparsed")
    many = stage.sell(client)
    many.row["assignedips"] = "198.51.100.7\r\n198.51.100.7, 198.51.100.8\r\n2001:db8:10::6"
    many.truth.assigned = ["198.51.100.7", "198.51.100.8", "2001:db8:10::6"]
    pool = stage.sell(client)
    pool.row["assignedips"] = f"{mac_of(4711)}=198.51.100.9;vmbr2,1250"
    pool.truth.assigned = ["198.51.100.9"]
    pool.truth.warnings.append("ip_unparsed")


def e49_ip_shared(stage: Stage) -> None:
    """One address on two running services: it tells neither of them apart."""
    client = stage.owner("E49")
    first, second = (stage.sell(client, vm="running") for _ in range(2))
    second.row["dedicatedip"] = second.truth.address = first.truth.address
    for service in (first, second):
        not_adoptable(service, "address_shared")


def e50_hostnames(stage: Stage) -> None:
    """Names that are none, names with spaces, underscores, umlauts, far too long, and twice the same."""
    client = stage.owner("E50")
    for stored, name in (
        ("MY SERVER", "my-server"),
        ("vps_1.example.com", "vps-1.example.com"),
        ("bücher.example.com", "xn--bcher-kva.example.com"),
        ("a" * 300, "a" * 63),
    ):
        service = stage.sell(client)
        service.row["domain"] = service.fields[HOSTNAME_FIELD]["value"] = stored
        service.truth.name = name
        service.truth.warnings.append("name_changed")
    for _ in range(2):
        stage.sell(client, name="twice.example.net")
    nameless = stage.sell(client)
    nameless.row["domain"] = nameless.fields[HOSTNAME_FIELD]["value"] = ""
    nameless.truth.name = f"service-{nameless.id}"
    nameless.truth.warnings.append("name_missing")
