"""A small shop and services of it, for tests of the pure parts: say only what a test is about."""

from __future__ import annotations

from typing import Any

from msgspec.structs import replace

from whmcs_import.mapping import mapping_file
from whmcs_import.mapping.mapping import Client, Service, World
from whmcs_import.mapping.mapping_file import MappingFile
from whmcs_import.mapping.options import Sold
from whmcs_import.mapping.shop import Choice, CustomField, Option, Product, Shop, ShopPlan
from whmcs_import.mapping.targets import Context, Resolver
from whmcs_import.source.values import split_pipe

VPS, OLD, HOSTING = 1, 2, 3
RAM, CORES, DISK, EXTRA_RAM, BACKUPS, OLD_RAM = 10, 11, 12, 13, 14, 20
RAM_4, RAM_8, RAM_2_OLD, CORES_2, DISK_UNIT, EXTRA_UNIT, YES, NO = 100, 101, 102, 110, 120, 130, 140, 141
OS, OS_ANY, OS_OLD, LOCATION, VMID = 1, 2, 3, 4, 5

MAPPING = """\
version: 1
source_timezone: Europe/Berlin
defaults: {unknown_value: quarantine}
targets:
  memory_mib:
    sources:
      - {from: option, match: {any: [RAM]}, default_unit: MiB, heuristic: {below: 128, unit: GiB}}
      - {from: plan, match: {field: memory}}
      - {from: option, match: {any: [Extra RAM]}, take: qty, scale: 512, unit: MiB, op: add}
      - {from: addon, match: {addon_id: 4}, take: qty, scale: 1024, unit: MiB, op: add}
    range: [128, 1048576]
  vcpus: {sources: [{from: option, match: {any: [CPU Cores]}}, {from: plan, match: {field: vcpus}}]}
  disk_gib: {sources: [{from: option, match: {any: [Disk]}, default_unit: GiB}, {from: plan, match: {field: disk}}]}
  image:
    sources: [{from: custom_field, match: {any: [OS]}}]
    values: {"101": ubuntu-24.04, "re:(?i)^debian 12": debian-12, "Ubuntu 24*": ubuntu-24.04}
  location:
    sources: [{from: custom_field, match: {any: [Location]}}, {from: server}]
    values: {fra: fra1, "pve-one": fra1}
extras:
  backups: {type: bool, sources: [{from: option, match: {any: [Backups]}}]}
servers: {1: demo}
"""


def mapping(text: str = MAPPING) -> MappingFile:
    return mapping_file.parse(text, "map.yaml")


def shop() -> Shop:
    """A VPS product with all kinds of options, one that was sold formerly, and web hosting."""

    def product(id: int, module: str, plan: ShopPlan | None = None, type: str = "server") -> Product:
        return Product(id, 1, f"Product {id}", module, type, ("",) * 24, plan)

    made = Shop()
    made.products = {
        VPS: product(VPS, "pvewhmcs", ShopPlan(2048, 2, 40)),
        OLD: product(OLD, "pvewhmcs"),
        HOSTING: product(HOSTING, "cpanel", type="hostingaccount"),
    }
    for id, group, name, kind in (
        (RAM, 1, "RAM|Memory", 1),
        (CORES, 1, "CPU Cores", 2),
        (DISK, 1, "Disk", 4),
        (EXTRA_RAM, 1, "Extra RAM", 4),
        (BACKUPS, 1, "Backups", 3),
        (OLD_RAM, 2, "RAM", 1),
    ):
        made.options[id] = Option(id, group, split_pipe(name), kind, 8 if id == EXTRA_RAM else 0)
    for id, option, name in (
        (RAM_4, RAM, "4096|4 GB"),
        (RAM_8, RAM, "8192|8 GB"),
        (RAM_2_OLD, OLD_RAM, "2048|2 GB"),
        (CORES_2, CORES, "2 Cores"),
        (DISK_UNIT, DISK, "GB"),
        (EXTRA_UNIT, EXTRA_RAM, "x 512MB"),
        (YES, BACKUPS, "Yes"),
        (NO, BACKUPS, "No"),
    ):
        made.choices[id] = Choice(id, option, split_pipe(name))
    made.linked = {(1, VPS), (2, OLD)}
    for id, owner, name in ((OS, VPS, "OS"), (OS_ANY, 0, "OS"), (OS_OLD, OLD, "OS"), (LOCATION, VPS, "Location")):
        made.fields[id] = CustomField(id, owner, split_pipe(name), "text")
    made.fields[VMID] = CustomField(VMID, 0, split_pipe("VMID"), "text")
    made.addons = {4: "RAM +1 GB", 5: "Extra IP"}
    made.servers = {1: "pve-one"}
    made.currencies = {1: "EUR"}
    return made


GOOD = Service(
    id=7,
    client=5,
    product=VPS,
    server=1,
    domain="web.example.com",
    amount="9.90",
    cycle="Monthly",
    next_due="2026-12-01",
    status="Active",
    username="root",
    dedicated_ip="203.0.113.7",
    assigned_ips="",
    registered="2024-02-29",
    fields=((OS, "Debian 12"), (LOCATION, "fra|Frankfurt")),
)


def service(**changes: Any) -> Service:
    return replace(GOOD, **changes)


def world(made: Shop | None = None, text: str = MAPPING, status: str = "Active") -> World:
    file = mapping(text)
    return World("whmcs", file, Resolver(file), made or shop(), {5: Client(status, 1)})


def context(sold: Sold, made: Shop | None = None, product: int = VPS) -> Context:
    return Context((made or shop()).products[product], sold, {"domain": "web.example.com"}, split_pipe("pve-one"))
