"""User data all the way: from a sealed row, through a file in a storage's folder, into a guest of the testbed."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from pathlib import Path
from uuid import UUID

import pytest

from domain.server import decide
from domain.server.decide import CreateServer
from eventstore.store import Entry, EventStore
from hypervisor.proxmox import ClusterSettings, connect
from orchestrator.reconcile import reconcile
from orchestrator.snippets import name_of, open_snippets
from orchestrator.work import Tools, Work
from runtime.ids import new_id
from runtime.sealing import Seal
from runtime.settings import Auth, Cluster, Config, Location, Pool, Snippets
from tests.given import IMAGE, LOCATION, PLAN
from tests.orchestrator.conftest import META
from tests.testbed_proxmox.bed import Bed, bed_in

pytestmark = [pytest.mark.pg, pytest.mark.pve]
TEXT = "#!/bin/sh\necho hello >/tmp/said\n"
KEPT = "/var/lib/cloud/instance/vendor-data.txt"
SEAL = Seal(bytes(32))


@pytest.fixture
async def bed(tmp_path: Path) -> AsyncIterator[Bed]:
    """A testbed whose guests are up at once."""
    async with bed_in(tmp_path) as found:
        found.node.knobs.boot_seconds = 0
        yield found


def _config(bed: Bed, folder: Path) -> Config:
    told = bed.running.ready()
    snippets = told["snippets"]
    assert isinstance(snippets, dict)
    pool = {"name": "p", "location": LOCATION.key, "network": "10.99.0.0/24", "gateway": "10.99.0.1"}
    return Config(
        auth=Auth(secret_key_file=folder / "k"),
        cluster=[
            Cluster(
                name="demo",
                endpoints=[bed.running.url],
                token_id=str(told["token_id"]),
                token_secret_file=folder / "token",
                storage="local",
                snippets=Snippets(storage=snippets["storage"], folder=Path(snippets["path"])),
                templates={IMAGE.template: 9000},
            )
        ],
        pool=[Pool.model_validate(pool | {"first": "10.99.0.100", "last": "10.99.0.110"})],
        location=[Location(key=LOCATION.key, name=LOCATION.name, cluster="demo")],
    )


async def _ordered(store: EventStore, text: str) -> UUID:
    server = new_id()
    command = CreateServer(
        operation_id=new_id(),
        account_id=new_id(),
        name="web-1",
        plan=PLAN,
        image=IMAGE,
        location=LOCATION,
        user_data=True,
    )
    events = decide.create(None, command)
    await store.write([Entry(server, 1, events[0], META, command.account_id)], (), (), None)
    sealed = SEAL.seal(json.dumps({"user_data": text}).encode(), command.operation_id.bytes)
    await store.pool.execute("INSERT INTO secret (operation_id, data) VALUES ($1, $2)", command.operation_id, sealed)
    return server


async def test_a_guest_finds_it_and_no_trace_of_it_is_left(store: EventStore, bed: Bed, tmp_path: Path) -> None:
    config, token = _config(bed, tmp_path), bed.running.token_secret
    where = ClusterSettings("demo", (bed.running.url,), config.cluster[0].token_id, token, verify=False)
    hypervisor = connect(where)
    tools = Tools(store, config, {"demo": hypervisor}, SEAL, snippets=open_snippets(config.cluster))
    server, seen = await _ordered(store, TEXT), set[str]()
    snippets = config.cluster[0].snippets
    assert snippets is not None
    async with asyncio.timeout(30):
        while (work := await Work.load(tools, server)).state.current is not None:
            wait = await reconcile(work)
            seen |= {path.name for path in snippets.folder.iterdir()}
            await asyncio.sleep(min(wait or 0, 0.05))
    await hypervisor.close()
    assert work.state.status == "running", work.state.operation
    guest = f"/nodes/pve1/qemu/{work.state.vmid}"
    assert (await bed.get(f"{guest}/agent/file-read", file=KEPT))["content"] == TEXT
    assert "cicustom" not in await bed.get(f"{guest}/config")
    assert list(snippets.folder.iterdir()) == []
    assert seen <= {name_of(server)}
    assert await bed.run("POST", f"{guest}/status/stop") == "OK"
    assert await bed.run("POST", f"{guest}/status/start") == "OK"
