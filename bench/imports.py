"""An import against a bare copy of the same tables: 50k clients, 80k services, 0.6M options, 1M custom fields.

`HOSTLER_BENCH_CLIENTS` takes another number of clients, and everything else goes along.
"""

from __future__ import annotations

import asyncio
import os
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import NamedTuple
from urllib.parse import urlsplit

import asyncpg
import pymysql
from pymysql.cursors import SSCursor

from bench.measure import migrated, report, server
from testbed import unprivileged
from testbed.postgres import Postgres
from testbed.whmcs import load, mariadb
from testbed.whmcs.catalogue import QUANTITY, add_field, add_option
from testbed.whmcs.mariadb import Account
from testbed.whmcs.stage import Stage, set_stage

CLIENTS = int(os.environ.get("HOSTLER_BENCH_CLIENTS", "50000"))
SERVICES_PER_CLIENT = 1.6
FIELDS = 13  # every second service has one less, and as many options as the product less one
PEER_SECONDS = 1800
LIMIT_MIB = 1024
SAMPLE_SECONDS = 1.0  # looking at what a process has takes a while of it, too
PROGRAM = (sys.executable, "-m", "whmcs_import")
BCRYPT = "$2y$10$" + "abcdefghijklmnopqrstu" + "v" * 32
TABLES = (
    *("tblclients", "tblusers", "tblusers_clients", "tblhosting", "tblhostingconfigoptions", "tblcustomfieldsvalues"),
    *("mod_pvewhmcs_vms", "tblproducts", "tblproductconfigoptions", "tblproductconfigoptionssub", "tblcustomfields"),
)


class Source(NamedTuple):
    """The addresses of a WHMCS for who reads and for who owns it, and the mapping of what it sells."""

    dsn: str
    owner_dsn: str
    mapping: Path


async def main() -> None:
    """Print the figures: the first run against the copy, later ones against the first, and the memory."""
    services = round(CLIENTS * SERVICES_PER_CLIENT)
    with server() as postgres, _shop() as shop:
        url = await migrated(postgres, "imported")
        peer_name, copied = await _peer(postgres, shop.dsn)
        _warm_up()
        first, memory = _run(url, shop)
        report("import", (first, copied), peer_name, "s", services)
        again, more = _run(url, shop)
        report("import.unchanged", (again, first), "the first run", "s", services)
        _change_one(shop)
        one, most = _run(url, shop)
        report("import.one_changed", (one, first), "the first run", "s", services)
        report("import.memory", (max(memory, more, most), LIMIT_MIB), "limit", "MiB", services)


def _run(url: str, shop: Source) -> tuple[float, float]:
    """Seconds of one `whmcs-import`, and MiB at the peak of all its processes together."""
    command = [*PROGRAM, "--source", shop.dsn, "--mapping", str(shop.mapping), "--quiet"]
    environment = {**_as_installed(), "HOSTLER_DATABASE_URL": url}
    began = time.perf_counter()
    process = subprocess.Popen([*command, "--format", "json"], env=environment, stdout=subprocess.DEVNULL)
    peak = 0
    while process.poll() is None:
        peak = max(peak, _kib(process.pid))
        with suppress(subprocess.TimeoutExpired):
            process.wait(SAMPLE_SECONDS)
    if process.returncode not in (0, 2):
        raise SystemExit(f"scripts/bench: the import ended with {process.returncode}")
    return time.perf_counter() - began, peak / 1024


def _warm_up() -> None:
    subprocess.run([*PROGRAM, "--help"], env=_as_installed(), stdout=subprocess.DEVNULL, check=True)


def _as_installed() -> dict[str, str]:
    """An environment in which Python keeps its bytecode, as it does of what is installed."""
    return {name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}


def _kib(pid: int) -> int:
    """The memory of a process and its children; what they share counts once."""
    try:
        children = Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
        sizes = [Path(f"/proc/{each}/smaps_rollup").read_text() for each in (pid, *children)]
    except OSError:
        return 0
    return sum(int(line.split()[1]) for size in sizes for line in size.splitlines() if line.startswith("Pss:"))


def _change_one(shop: Source) -> None:
    connection = _connected(shop.owner_dsn)
    with connection.cursor() as cursor:
        cursor.execute("UPDATE tblhosting SET amount = amount + 1 WHERE id = 1")
    connection.commit()
    connection.close()


async def _peer(postgres: Postgres, dsn: str) -> tuple[str, float]:
    """The name of the peer and its seconds: pgloader where it is installed and can load, else a cursor into COPY."""
    seconds = _pgloader(await _empty(postgres, "by_pgloader"), dsn) if shutil.which("pgloader") else None
    if seconds is not None:
        return "pgloader", seconds
    return "cursor into COPY", await _copy(await _empty(postgres, "by_copy"), dsn)


async def _empty(postgres: Postgres, name: str) -> str:
    connection = await asyncpg.connect(postgres.url("postgres"))
    await connection.execute(f"CREATE DATABASE {name}")
    await connection.close()
    return postgres.url(name)


def _pgloader(url: str, dsn: str) -> float | None:
    names = ", ".join(f"'{table}'" for table in TABLES)
    script = (
        f"LOAD DATABASE FROM {dsn} INTO {url} WITH include drop, create tables, create no indexes, no foreign keys,"
        " downcase identifiers CAST type date to date drop not null drop default using zero-dates-to-null,"
        " type datetime to timestamptz drop not null drop default using zero-dates-to-null,"
        " type timestamp to timestamptz drop not null drop default using zero-dates-to-null"
        f" INCLUDING ONLY TABLE NAMES MATCHING {names};"
    )
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "copy.load"
        file.write_text(script)
        began = time.perf_counter()
        command = ["pgloader", "--root-dir", folder, "--quiet", "--on-error-stop", str(file)]
        done = subprocess.run(command, capture_output=True, text=True, timeout=PEER_SECONDS, check=False)
        seconds = time.perf_counter() - began
    failed = done.returncode != 0 or "ERROR" in done.stdout + done.stderr or "FATAL" in done.stdout + done.stderr
    if failed:
        print(f"pgloader cannot load: {(done.stdout + done.stderr).strip()[-300:]}", file=sys.stderr)
    return None if failed else seconds


async def _copy(url: str, dsn: str) -> float:
    """Every column as text, table by table, from an unbuffered cursor into COPY."""
    began = time.perf_counter()
    connection = await asyncpg.connect(url)
    there = _connected(dsn)
    for table in TABLES:
        with there.cursor(SSCursor) as cursor:
            cursor.execute(f"SELECT * FROM `{table}`")
            columns = ", ".join(f'"{column[0]}" text' for column in cursor.description)
            await connection.execute(f"CREATE TABLE {table} ({columns})")
            while rows := cursor.fetchmany(5000):
                texts = [tuple(None if value is None else str(value) for value in row) for row in rows]
                await connection.copy_records_to_table(table, records=texts)
    there.close()
    await connection.close()
    return time.perf_counter() - began


def _connected(dsn: str) -> pymysql.Connection[pymysql.cursors.Cursor]:
    url = urlsplit(dsn)
    return pymysql.connect(
        host=url.hostname,
        port=url.port or 0,
        user=url.username,
        password=url.password or "",
        database=url.path[1:],
        charset="utf8mb4",
    )


@contextmanager
def _shop() -> Iterator[Source]:
    """A WHMCS with that many clients; gone afterwards."""
    home = Path(tempfile.mkdtemp(prefix="hostler-bench-"))
    home.chmod(0o711)
    data = unprivileged.home_for(home / "mariadb")
    owner, reader = Account("owner", "owner", "ALL PRIVILEGES"), Account("reader", "reader", "SELECT")
    mapping = home / "mapping.yaml"
    text = Path(load.__file__).with_name("mapping.yaml").read_text("utf-8")
    mapping.write_text(text.replace("ignore: [", 'ignore: ["Detail *", Traffic, Port Speed, '))
    try:
        mariadb.install(data, unsafe=True)
        settings = (*mariadb.UNSAFE, "--innodb-buffer-pool-size=512M")
        with mariadb.running(data, mariadb.free_port(), "whmcs", [owner, reader], settings=settings) as running:
            with mariadb.connect(running.port, owner, "whmcs") as connection:
                _fill(connection)
            yield Source(running.dsn(reader, "whmcs"), running.dsn(owner, "whmcs"), mapping)
    finally:
        shutil.rmtree(home, ignore_errors=True)


def _fill(connection: pymysql.Connection[pymysql.cursors.Cursor]) -> None:
    stage = set_stage(1)
    fields = _more_sold(stage)
    load.insert(connection, stage.world, load.create_tables(connection, "v8.3", stage.world))
    with connection.cursor() as cursor:
        for statement in _statements(stage, fields):
            cursor.execute(statement)
    connection.commit()


def _more_sold(stage: Stage) -> list[int]:
    """Let the product have as many options and fields as real ones have; answers with the ids of its fields."""
    product = stage.shop.medium
    group = next(row["gid"] for row in stage.world.tables["tblproductconfiglinks"] if row["pid"] == product.id)
    assert isinstance(group, int)
    for name in ("Traffic", "Port Speed"):
        product.options[name] = add_option(stage.world, group, name, QUANTITY, {0: "TB"})
    more = FIELDS - len(product.fields)
    return [
        *product.fields.values(),
        *(add_field(stage.world, "product", product.id, f"Detail {n}") for n in range(more)),
    ]


def _statements(stage: Stage, fields: list[int]) -> Iterator[str]:
    """Rows by the ten thousand, made where they are kept."""
    services, product = round(CLIENTS * SERVICES_PER_CLIENT), stage.shop.medium
    clients, bought = f"seq_1_to_{CLIENTS}", f"seq_1_to_{services}"
    yield (
        "INSERT INTO tblclients (id, firstname, lastname, email, address1, city, postcode, country, phonenumber,"
        " currency, status, datecreated) SELECT seq, concat('First', seq), concat('Last', seq),"
        " concat('client', seq, '@example.net'), concat('Street ', seq), 'Berlin', 10000 + seq % 80000, 'DE',"
        f" concat('+49.30', seq), 1, 'Active', '2024-02-03' FROM {clients}"
    )
    yield (
        "INSERT INTO tblusers (id, first_name, last_name, email, password) SELECT seq, concat('First', seq),"
        f" concat('Last', seq), concat('client', seq, '@example.net'), '{BCRYPT}' FROM {clients}"
    )
    yield f"INSERT INTO tblusers_clients (auth_user_id, client_id, owner) SELECT seq, seq, 1 FROM {clients}"
    yield (
        "INSERT INTO tblhosting (id, userid, packageid, server, regdate, domain, amount, billingcycle, nextduedate,"
        " domainstatus, dedicatedip, overidesuspenduntil) SELECT"
        f" seq, 1 + seq % {CLIENTS}, {product.id}, {product.server}, '2025-01-02', concat('web', seq, '.example.net'),"
        " 9.90, 'Monthly', '2026-12-01', elt(1 + (seq % 100 > 75) + (seq % 100 > 81) + (seq % 100 > 90), 'Active',"
        " 'Suspended', 'Terminated', 'Cancelled'), inet_ntoa(inet_aton('198.18.0.0') + seq), '0000-00-00'"
        f" FROM {bought}"
    )
    yield (
        "INSERT INTO mod_pvewhmcs_vms (id, vmid, user_id, vtype, ipaddress, subnetmask, gateway) SELECT seq,"
        f" 100 + seq, 1 + seq % {CLIENTS}, 'qemu', inet_ntoa(inet_aton('198.18.0.0') + seq), '255.254.0.0',"
        f" '198.18.0.1' FROM {bought} WHERE seq % 100 <= 81"
    )
    for place, option in enumerate(product.options.values()):
        choices = ", ".join(map(str, option.choices.values()))
        every = " WHERE seq % 2" if place == len(product.options) - 1 else ""
        yield (
            "INSERT INTO tblhostingconfigoptions (relid, configid, optionid, qty)"
            f" SELECT seq, {option.id}, elt(1 + seq % {len(option.choices)}, {choices}), seq % 2 FROM {bought}{every}"
        )
    values = {"OS_Image_Template": "'Debian 12'", "DataCenter_Location": "'Frankfurt'"}
    said = [values.get(name, "concat('web', seq, '.example.net')") for name in product.fields]
    said += ["concat('detail ', seq)"] * (len(fields) - len(said))
    for place, (field, value) in enumerate(zip(fields, said, strict=True)):
        every = " WHERE seq % 2" if place == len(fields) - 1 else ""
        yield (
            "INSERT INTO tblcustomfieldsvalues (fieldid, relid, value)"
            f" SELECT {field}, seq, {value} FROM {bought}{every}"
        )


if __name__ == "__main__":
    asyncio.run(main())
