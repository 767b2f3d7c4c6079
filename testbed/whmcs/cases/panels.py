"""Other modules than the demo's: Proxmox VPS by ModulesGarden and others, and panels that are not Proxmox at all."""

import json

from testbed.whmcs.catalogue import PROXMOXVM, VMID_FIELD, VPS_GROUP, Product, Size, add_field, add_server, add_vps
from testbed.whmcs.services import Service, fill
from testbed.whmcs.stage import Stage
from testbed.whmcs.vms import NODE, mac_of
from testbed.whmcs.world import World

MODULESGARDEN, MODULESGARDEN_CLOUD = "proxmoxVPS", "proxmoxCloud"
MODULESGARDEN_SERVER, PROXMOXVM_SERVER, CLOUD_SERVER = 6, 7, 8
FIRST_PANEL_SERVER = 11
SIZE = Size(2048, 2, 40)


def m01_modulesgarden(stage: Stage) -> None:
    """The VMID in a field of the product, addresses in the addon's tables, the product's size as JSON beside it."""
    world = stage.world
    add_server(world, MODULESGARDEN_SERVER, "pve-mg", MODULESGARDEN)
    product = _sold_by(world, 20, "MG VPS", MODULESGARDEN, MODULESGARDEN_SERVER)
    product.fields[VMID_FIELD] = add_field(world, "product", product.id, VMID_FIELD)
    settings: dict[str, object] = {"cores": "2", "sockets": "1", "memory": "2048", "memoryUnit": "mb", "diskSize": "40"}
    for setting, value in settings.items():
        world.add("ProxmoxAddon_ProductConfiguration", product_id=20, setting=setting, value=json.dumps(value))
    client = stage.owner("M01")
    first, second = (stage.sell(client, product, vm="running") for _ in range(2))
    for service in (first, second):
        _add_modulesgarden_rows(world, service, client.id)
    first.row["dedicatedip"] = ""
    second.truth.assigned = [_add_second_address(world, second)]


def m02_modulesgarden_cloud(stage: Stage) -> None:
    """One service that is several VMs of the customer's choosing."""
    world = stage.world
    add_server(world, CLOUD_SERVER, "pve-cloud", MODULESGARDEN_CLOUD)
    product = _sold_by(world, 21, "MG Cloud", MODULESGARDEN_CLOUD, CLOUD_SERVER)
    world.add(
        "ProxmoxVeVpsCloud_ProductConfiguration",
        product_id=21,
        type="product",
        setting="serverMemory",
        value='"512-4096"',
    )
    service = stage.sell(stage.owner("M02"), product)
    service.truth.becomes("quarantine", "many_vms_per_service")


def m03_proxmoxvm(stage: Stage) -> None:
    """A table of VMIDs by service, and the VMID once more as the user name."""
    world = stage.world
    add_server(world, PROXMOXVM_SERVER, "pve-vm", PROXMOXVM)
    product = _sold_by(world, 22, "PVM VPS", PROXMOXVM, PROXMOXVM_SERVER)
    client = stage.owner("M03")
    for _ in range(2):
        service = stage.sell(client, product, vm="running")
        assert service.link is not None
        service.row["username"] = str(service.link["vmid"])


def m04_foreign_panels(stage: Stage) -> None:
    """VirtFusion, Virtualizor, SolusIO, SolusVM, Midgard: their ids are not VMIDs, even where a VM has the number."""
    for offset, (module, title) in enumerate(
        (
            ("VirtFusionDirect", "VirtFusion VPS"),
            ("virtualizor", "Virtualizor VPS"),
            ("solusiovps", "SolusIO VPS"),
            ("solusvmpro", "SolusVM VPS"),
            ("midgard", "Midgard VPS"),
        )
    ):
        server = FIRST_PANEL_SERVER + offset
        add_server(stage.world, server, f"panel-{module.lower()}", module)
        product = _sold_by(stage.world, 23 + offset, title, module, server)
        service = stage.sell(stage.owner("M04", f"m04-{module.lower()}"), product)
        _add_panel_row(stage.world, service, product)
        service.truth.becomes("quarantine", "foreign_panel")


def m05_vmid_in_notes(stage: Stage) -> None:
    """No module at all: a number in the notes is a suggestion for people, not a link."""
    service = stage.sell(stage.owner("M05"))
    service.row["notes"] = "customer called, VM ID: 4711, see ticket"
    service.truth.warnings.append("vmid_suggested")


def _sold_by(world: World, product_id: int, title: str, module: str, server: int) -> Product:
    return add_vps(world, VPS_GROUP, product_id, title, SIZE, "10.00", module=module, server=server)


def _add_modulesgarden_rows(world: World, service: Service, client: int) -> None:
    assert service.vm is not None
    ip, network = str(service.address.ip), service.address.network
    fill(world, service.id, add_or_find_node(world), NODE)
    world.add("ProxmoxAddon_User", user_id=client, hosting_id=service.id, username=f"vps{service.id}", realm="pve")
    world.add(
        "ProxmoxAddon_VmIpAddress",
        hosting_id=service.id,
        server_id=MODULESGARDEN_SERVER,
        ip=ip,
        mac_address=mac_of(service.vm.vmid),
        subnet_mask=str(network.netmask),
        gateway=service.address.gateway,
        cidr=network.prefixlen,
        net="net0",
    )
    world.add("mg_proxmox_addon_ip", ip=ip, type="IPv4", sid=MODULESGARDEN_SERVER, hosting_id=service.id, node=NODE)


def _add_second_address(world: World, service: Service) -> str:
    """An address of which the module alone knows."""
    ip = str(world.vms.address().ip)
    free = str(world.vms.address().ip)
    world.add("mg_proxmox_addon_ip", ip=f" {ip} ", cidr=29, sid=MODULESGARDEN_SERVER, hosting_id=service.id, node=NODE)
    world.add("mg_proxmox_addon_ip", ip=free, cidr=29, sid=MODULESGARDEN_SERVER)
    return ip


def add_or_find_node(world: World) -> int:
    """The id of the field in which the module keeps the node."""
    for row in world.tables["tblcustomfields"]:
        if row["relid"] == 20 and row["fieldname"] == "node":
            return int(str(row["id"]))
    return add_field(world, "product", 20, "node")


def _add_panel_row(world: World, service: Service, product: Product) -> None:
    match product.module:
        case "VirtFusionDirect":
            about = json.dumps({"id": 105, "memory": 2048})
            world.add_without_id("mod_virtfusion_direct", service_id=service.id, server_id=105, server_object=about)
        case "solusiovps":
            world.add("solusiovps_servers", service_id=service.id, server_id=106, payload="{}")
        case "midgard":
            world.add_without_id("mod_midgard_service_meta", service_id=service.id, midgard_server_id=107)
        case module:
            name = {"virtualizor": "vpsid", "solusvmpro": "vserverid"}[module]
            fill(world, service.id, add_field(world, "product", product.id, name), "108")
