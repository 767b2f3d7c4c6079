"""The adapter on the wire: what it sends, whom it trusts, and what it makes of every way an answer can fail."""

from __future__ import annotations

import socket
from collections.abc import AsyncIterator, Iterator
from dataclasses import replace
from pathlib import Path

import pytest
import requests

from hypervisor import session
from hypervisor.errors import AgentSilent, Ambiguous, Denied, Invalid, Unreachable
from hypervisor.port import GuestSettings, Hypervisor
from hypervisor.proxmox import ClusterSettings, ProxmoxHypervisor, connect
from tests.hypervisor.scripted import CLOSE, CUT, Scripted, answer, scripted

UPID = "UPID:pve1:00000424:000430AA:6B03259A:qmstart:100:root@pam!hostler:"
VERSION = answer({"version": "8.4.21"})


@pytest.fixture
def server(tmp_path: Path) -> Iterator[Scripted]:
    with scripted(tmp_path) as running:
        yield running


@pytest.fixture
def settings(server: Scripted) -> ClusterSettings:
    return ClusterSettings("demo", (server.url,), "root@pam!hostler", "s3cr3t", verify=str(server.authority))


@pytest.fixture
async def hypervisor(settings: ClusterSettings) -> AsyncIterator[ProxmoxHypervisor]:
    found = connect(settings)
    yield found
    await found.close()


def closed_port() -> str:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        return f"https://127.0.0.1:{listener.getsockname()[1]}"


async def test_sends_the_token_and_numbers_for_booleans(server: Scripted, hypervisor: Hypervisor) -> None:
    server.script += [answer(UPID)]
    await hypervisor.shutdown("pve1", 100, timeout_s=30, force=True)
    heard = server.heard[0]
    assert (heard.method, heard.path) == ("POST", "/api2/json/nodes/pve1/qemu/100/status/shutdown")
    assert heard.headers["authorization"] == "PVEAPIToken=root@pam!hostler=s3cr3t"
    assert heard.form == {"timeout": "30", "forceStop": "1"}


async def test_ssh_keys_arrive_still_encoded(server: Scripted, hypervisor: Hypervisor) -> None:
    server.script += [answer()]
    await hypervisor.configure("pve1", 100, GuestSettings(ssh_keys=("ssh-rsa AA+/= me",), name="a"), "abc")
    assert server.heard[0].form == {"sshkeys": "ssh-rsa%20AA%2B%2F%3D%20me", "name": "a", "digest": "abc"}


async def test_a_deletion_carries_its_options_in_the_query(server: Scripted, hypervisor: Hypervisor) -> None:
    server.script += [answer(UPID)]
    await hypervisor.destroy("pve1", 100)
    assert server.heard[0].path == "/api2/json/nodes/pve1/qemu/100?purge=1&destroy-unreferenced-disks=1"
    assert server.heard[0].form == {}


async def test_task_ids_are_encoded_in_paths(server: Scripted, hypervisor: Hypervisor) -> None:
    server.script += [answer({"upid": UPID, "status": "running"})]
    await hypervisor.task(UPID)
    encoded = UPID.replace(":", "%3A").replace("@", "%40").replace("!", "%21")
    assert server.heard[0].path == f"/api2/json/nodes/pve1/tasks/{encoded}/status"


@pytest.mark.parametrize("node", ["..", "../../access", "pve1/qemu", "", "a b", "pve1?x=1", "pve1%2F"])
async def test_nothing_but_a_name_gets_into_a_path(server: Scripted, hypervisor: Hypervisor, node: str) -> None:
    with pytest.raises(Invalid):
        await hypervisor.start(node, 100)
    with pytest.raises(Invalid):
        await hypervisor.volumes("pve1", node, 100)
    assert server.heard == []


async def test_the_message_of_the_body_wins_over_the_reason(server: Scripted, hypervisor: Hypervisor) -> None:
    server.script += [answer(status="500 first line", body={"data": None, "message": "first line\nsecond line\n"})]
    with pytest.raises(Unreachable) as caught:
        await hypervisor.version()
    assert caught.value.text == "first line\nsecond line"


async def test_the_reason_serves_where_there_is_no_message(server: Scripted, hypervisor: Hypervisor) -> None:
    server.script += [answer(status="401 No ticket", body=b"")]
    with pytest.raises(Denied) as caught:
        await hypervisor.version()
    assert (caught.value.text, caught.value.call) == ("No ticket", "GET /version")


async def test_refused_parameters_are_named(server: Scripted, hypervisor: Hypervisor) -> None:
    body = {"data": None, "message": "Parameter verification failed.\n", "errors": {"cores": "too many\n"}}
    server.script += [answer(status="400 Parameter verification failed.", body=body)]
    with pytest.raises(Invalid) as caught:
        await hypervisor.configure("pve1", 100, GuestSettings(cores=999))
    assert caught.value.fields == {"cores": "too many"}
    assert "cores: too many" in str(caught.value)


LOST = {
    "hung up": CLOSE,
    "cut short": CUT + b"HTTP/1.1 200 OK\r\nContent-Length: 500\r\n\r\n{",
    "not HTTP": CUT + b"garbage\r\n\r\n",
    "not JSON": answer(body=b"<html>"),
    "no data": answer(body={"success": 1}),
    "proxy timeout": answer(status="596 Connection timed out", body=b""),
    "gateway": answer(status="502 Bad Gateway", body=b"<html>"),
}


@pytest.mark.parametrize("said", LOST.values(), ids=LOST.keys())
async def test_a_change_without_a_clear_answer_is_ambiguous(
    server: Scripted, hypervisor: Hypervisor, said: bytes
) -> None:
    server.script += [said, CLOSE]
    with pytest.raises(Ambiguous):
        await hypervisor.start("pve1", 100)
    assert len(server.heard) == 1, "a change must not be sent twice"


@pytest.mark.parametrize("said", LOST.values(), ids=LOST.keys())
async def test_a_read_without_a_clear_answer_is_unreachable(
    server: Scripted, hypervisor: Hypervisor, said: bytes
) -> None:
    server.script += [said]
    with pytest.raises(Unreachable):
        await hypervisor.version()


async def test_silence_is_ambiguous_for_a_change_and_unreachable_for_a_read(
    server: Scripted, hypervisor: Hypervisor, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(session, "READ_SECONDS", 0.2)
    monkeypatch.setattr(session, "MUTATE_SECONDS", 0.2)
    server.script += [b"HTTP/1.1 200 OK\r\n", b"HTTP/1.1 200 OK\r\n"]
    with pytest.raises(Ambiguous):
        await hypervisor.stop("pve1", 100)
    with pytest.raises(Unreachable):
        await hypervisor.version()


async def test_an_answer_that_is_no_task_is_ambiguous(server: Scripted, hypervisor: Hypervisor) -> None:
    server.script += [answer("OK")]
    with pytest.raises(Ambiguous):
        await hypervisor.start("pve1", 100)


async def test_an_answer_of_another_shape_is_unreachable(server: Scripted, hypervisor: Hypervisor) -> None:
    server.script += [answer(None), answer([{"vmid": "x", "type": "qemu"}])]
    with pytest.raises(Unreachable):
        await hypervisor.config("pve1", 100)
    with pytest.raises(Unreachable):
        await hypervisor.guests()


async def test_a_refused_connection_executes_nothing(settings: ClusterSettings) -> None:
    hypervisor = connect(replace(settings, endpoints=(closed_port(),)))
    with pytest.raises(Unreachable) as caught:
        await hypervisor.start("pve1", 100)
    assert "refused" in caught.value.text
    await hypervisor.close()


async def test_an_unknown_host_executes_nothing(settings: ClusterSettings) -> None:
    hypervisor = connect(replace(settings, endpoints=("https://nowhere.invalid:8006",)))
    with pytest.raises(Unreachable):
        await hypervisor.start("pve1", 100)
    await hypervisor.close()


async def test_an_untrusted_certificate_executes_nothing(server: Scripted, settings: ClusterSettings) -> None:
    for changes in ({"verify": True}, {"fingerprint": "00" * 32}):
        hypervisor = connect(replace(settings, **changes))
        with pytest.raises(Unreachable):
            await hypervisor.start("pve1", 100)
        await hypervisor.close()
    assert server.heard == []


async def test_a_pinned_certificate_needs_no_authority(server: Scripted, settings: ClusterSettings) -> None:
    server.script += [VERSION]
    hypervisor = connect(replace(settings, verify=True, fingerprint=server.fingerprint))
    assert await hypervisor.version() == "8.4.21"
    await hypervisor.close()


async def test_goes_on_to_the_next_endpoint_and_stays_there(server: Scripted, settings: ClusterSettings) -> None:
    server.script += [answer(UPID), VERSION]
    hypervisor = connect(replace(settings, endpoints=(closed_port(), server.url)))
    assert await hypervisor.start("pve1", 100) == UPID
    assert await hypervisor.version() == "8.4.21"
    await hypervisor.close()


async def test_an_ambiguous_change_is_not_tried_elsewhere(
    tmp_path: Path, server: Scripted, settings: ClusterSettings
) -> None:
    (tmp_path / "second").mkdir()
    with scripted(tmp_path / "second") as second:
        server.script += [CLOSE]
        hypervisor = connect(replace(settings, endpoints=(server.url, second.url), verify=False))
        with pytest.raises(Ambiguous):
            await hypervisor.start("pve1", 100)
        assert second.heard == []
        await hypervisor.close()


async def test_a_read_is_tried_elsewhere(tmp_path: Path, server: Scripted, settings: ClusterSettings) -> None:
    (tmp_path / "second").mkdir()
    with scripted(tmp_path / "second") as second:
        server.script += [CLOSE]
        second.script += [VERSION]
        hypervisor = connect(replace(settings, endpoints=(server.url, second.url), verify=False))
        assert await hypervisor.version() == "8.4.21"
        await hypervisor.close()


def test_a_connection_is_kept_but_not_beyond_its_idle_time(server: Scripted, monkeypatch: pytest.MonkeyPatch) -> None:
    clock = iter([0.0, 0.0, 2.9, 2.9, 6.0, 6.0])
    monkeypatch.setattr("hypervisor.session.monotonic", lambda: next(clock))
    server.script += [VERSION] * 3
    with requests.Session() as http:
        session.prepare(http, server.fingerprint, lambda epoch: None)
        for _ in range(3):
            http.get(f"{server.url}/api2/json/version", verify=str(server.authority))
    first, second, third = (request.connection for request in server.heard)
    assert first == second != third


async def test_tells_the_time_of_the_last_answer(server: Scripted, hypervisor: Hypervisor) -> None:
    assert await hypervisor.server_time() is None
    server.script += [answer(status="500 no", body={"data": None})]
    with pytest.raises(Unreachable):
        await hypervisor.version()
    assert await hypervisor.server_time() in range(1795369825, 1795369835)


async def test_an_error_of_the_agent_itself_is_silence(server: Scripted, hypervisor: Hypervisor) -> None:
    server.script += [answer({"result": {"error": {"class": "CommandNotFound", "desc": "disabled"}}})]
    with pytest.raises(AgentSilent):
        await hypervisor.addresses("pve1", 100)


async def test_a_cluster_without_majority_is_not_quorate(server: Scripted, hypervisor: Hypervisor) -> None:
    node = {"type": "node", "name": "pve1"}
    server.script += [answer([{"type": "cluster", "quorate": 0}, node]), answer([node])]
    assert not await hypervisor.quorate()
    assert await hypervisor.quorate()


@pytest.mark.parametrize(
    ("changes", "named"),
    [
        ({"endpoints": ()}, "no endpoint"),
        ({"endpoints": ("http://pve1:8006",)}, "http://pve1:8006"),
        ({"endpoints": ("https://pve1:8006/api2",)}, "https://pve1:8006/api2"),
        ({"token_id": "root@pam"}, "root@pam"),
    ],
)
def test_settings_that_cannot_be_are_named(settings: ClusterSettings, changes: dict[str, object], named: str) -> None:
    with pytest.raises(ValueError, match=named):
        connect(replace(settings, **changes))  # type: ignore[arg-type]


def test_settings_hide_their_secret(settings: ClusterSettings) -> None:
    assert "s3cr3t" not in repr(settings)


@pytest.mark.parametrize(("before", "policy"), [({}, "ACCEPT"), ({"enable": 1, "policy_in": "DROP"}, None)])
async def test_turning_the_firewall_on_shuts_nobody_out(
    server: Scripted, hypervisor: Hypervisor, before: dict[str, object], policy: str | None
) -> None:
    """What was on before keeps the policy that somebody chose."""
    card = {"net0": "virtio=BC:24:11:30:26:58,bridge=vmbr0,firewall=1", "digest": "d"}
    server.script += [answer([{"name": "ipfilter-net0"}]), answer([{"cidr": "10.99.0.9"}]), answer(before)]
    server.script += [answer(), answer(card)]
    await hypervisor.set_firewall("pve1", 100, allowed={"net0": frozenset({"10.99.0.9"})})
    (change,) = [heard for heard in server.heard if heard.method == "PUT"]
    assert change.path.endswith("/firewall/options")
    assert (change.form["enable"], change.form.get("policy_in")) == ("1", policy)
