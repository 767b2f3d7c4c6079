"""The guest agent of a simulated guest."""

from pathlib import Path
from typing import Any

import pytest

from tests.testbed_proxmox.bed import Bed, bed_in

pytestmark = pytest.mark.pve
VM = "/nodes/pve1/qemu/200"


@pytest.fixture
async def vm(bed: Bed) -> Bed:
    """A testbed whose VM 200 is up."""
    await bed.cloned(200, name="web")
    await bed.put(f"{VM}/config", ipconfig0="ip=10.99.0.100/24,gw=10.99.0.1", ciuser="ann")
    assert await bed.run("POST", f"{VM}/status/start") == "OK"
    await bed.post(f"{VM}/agent/ping")
    return bed


async def refusal(bed: Bed, method: str, call: str, **params: Any) -> tuple[int, str]:
    answer = await bed.call(method, f"{VM}/agent/{call}", params)
    return answer.status_code, answer.reason_phrase


async def outcome(bed: Bed, *command: str, **params: Any) -> dict[str, Any]:
    """How a program ended."""
    pid = (await bed.post(f"{VM}/agent/exec", command=list(command), **params))["pid"]
    status: dict[str, Any] = {}
    while not status.get("exited"):
        status = await bed.get(f"{VM}/agent/exec-status", pid=pid)
    return status


async def test_every_command_without_parameters_is_listed_and_answers(vm: Bed) -> None:
    names = {entry["name"] for entry in await vm.get(f"{VM}/agent")}
    assert len(names) == 25
    last = {"shutdown", "exec", "exec-status", "file-read", "file-write", "set-user-password"}
    for name in sorted(names - last):
        method = "GET" if name.startswith(("get", "info", "network")) else "POST"
        answer = await vm.call(method, f"{VM}/agent/{name}")
        assert answer.status_code == 200, (name, answer.text)
        assert set(answer.json()["data"]) == {"result"}


async def test_the_generic_call_knows_the_same_commands(vm: Bed) -> None:
    assert await vm.post(f"{VM}/agent", command="get-host-name") == {"result": {"host-name": "web"}}
    refused = await vm.call("POST", f"{VM}/agent", {"command": "exec"})
    assert refused.status_code == 400
    assert refused.json()["errors"]["command"].startswith("value 'exec' does not have a value in the enumeration")


async def test_a_program_runs_and_its_end_is_told_once(vm: Bed) -> None:
    pid = (await vm.post(f"{VM}/agent/exec", command=["/bin/echo", "a,b", "c"]))["pid"]
    told = await vm.get(f"{VM}/agent/exec-status", pid=pid)
    assert told == {"exited": 1, "exitcode": 0, "out-data": "a,b c\n", "out-truncated": 0}
    assert await refusal(vm, "GET", "exec-status", pid=pid) == (500, "Agent error: Invalid parameter 'pid'")


async def test_a_program_that_goes_on_has_not_exited(vm: Bed) -> None:
    pid = (await vm.post(f"{VM}/agent/exec", command=["sleep", "1000"]))["pid"]
    assert await vm.get(f"{VM}/agent/exec-status", pid=pid) == {"exited": 0}


@pytest.mark.parametrize(
    ("line", "code", "out", "err"),
    [
        ("echo err >&2; exit 3", 3, None, "err\n"),
        ("echo one && false || echo two", 0, "one\ntwo\n", None),
        ("false; echo 'a  b' | cat; true", 0, "a  b\n", None),
        ("echo x > /tmp/x; echo y >> /tmp/x; cat < /tmp/x", 0, "x\ny\n", None),
        ("cat /nope 2>&1", 1, "cat: /nope: No such file or directory\n", None),
        ("nosuch", 127, None, "sh: nosuch: not found\n"),
        ("hostname; uname -r", 0, "web\n6.1.0-28-cloud-amd64\n", None),
        ("ip addr | cat > /dev/null", 0, None, None),
    ],
)
async def test_a_shell_runs_a_line(vm: Bed, line: str, code: int, out: str | None, err: str | None) -> None:
    told = await outcome(vm, "/bin/sh", "-c", line)
    assert (told["exitcode"], told.get("out-data"), told.get("err-data")) == (code, out, err)


async def test_input_reaches_the_program(vm: Bed) -> None:
    assert (await outcome(vm, "cat", **{"input-data": "some text"}))["out-data"] == "some text"


async def test_a_program_that_is_not_there_breaks_the_answer_as_its_text_is_not_latin(vm: Bed) -> None:
    vm.node.knobs.broken_answer_seconds = 0
    assert await refusal(vm, "POST", "exec", command=["/bin/nosuch"]) == (596, "Broken pipe")


async def test_files_are_written_and_read(vm: Bed) -> None:
    assert await vm.post(f"{VM}/agent/file-write", file="/tmp/a", content="hello\n") is None
    assert await vm.get(f"{VM}/agent/file-read", file="/tmp/a") == {"content": "hello\n", "bytes-read": 6}
    await vm.post(f"{VM}/agent/file-write", file="/tmp/a", content="Z3LDvG4=", encode=0)
    assert (await vm.get(f"{VM}/agent/file-read", file="/tmp/a"))["content"] == "grÃ¼n", "encoded twice"
    assert await refusal(vm, "GET", "file-read", file="/tmp/nope") == (
        500,
        "Agent error: failed to open file '/tmp/nope' (mode: 'r'): No such file or directory",
    )
    refused = await vm.call("GET", f"{VM}/agent/file-read", {"file": "/tmp/a", "count": 1})
    assert "count" in refused.json()["errors"], "a parameter of release 9"


async def test_files_live_on_the_disk_and_are_cloned_with_it(vm: Bed) -> None:
    await vm.post(f"{VM}/agent/file-write", file="/etc/kept", content="here")
    assert await vm.run("POST", f"{VM}/status/stop") == "OK"
    assert await vm.run("POST", f"{VM}/clone", newid=201, full=1) == "OK"
    assert await vm.run("POST", "/nodes/pve1/qemu/201/status/start") == "OK"
    path = "/nodes/pve1/qemu/201/agent/file-read"
    assert (await vm.get(path, file="/etc/kept"))["content"] == "here"


async def test_a_refusal_of_a_simple_command_is_an_answer(vm: Bed) -> None:
    told = await vm.post(f"{VM}/agent/suspend-ram")
    assert told["result"]["error"]["class"] == "GenericError"
    assert await vm.post(f"{VM}/agent/fsfreeze-freeze") == {"result": 1}
    assert await vm.post(f"{VM}/agent/fsfreeze-status") == {"result": "frozen"}
    text = "Command guest-get-time has been disabled: the agent is in frozen state"
    frozen = await vm.get(f"{VM}/agent/get-time")
    assert frozen["result"]["error"] == {"class": "CommandNotFound", "desc": text}
    assert await vm.post(f"{VM}/agent/fsfreeze-thaw") == {"result": 1}


async def test_passwords(vm: Bed) -> None:
    done = await vm.post(f"{VM}/agent/set-user-password", username="ann", password="secret1")
    assert done == {"result": {}}
    refused = await refusal(vm, "POST", "set-user-password", username="bob", password="secret1")
    assert refused == (500, "Agent error: child process has failed to set user password")


async def test_shutting_down_answers_when_the_guest_is_off(vm: Bed) -> None:
    assert await vm.post(f"{VM}/agent/shutdown") == {"result": None}
    assert (await vm.get(f"{VM}/status/current"))["status"] == "stopped"
    assert await refusal(vm, "POST", "ping") == (500, "VM 200 is not running")


async def test_a_guest_that_ignores_being_told_to_shut_down_lets_the_call_wait(vm: Bed) -> None:
    vm.node.vms.load(200).behaviour["ignore_acpi"] = True
    vm.node.knobs.proxy_timeout_seconds = 0.2
    assert (await refusal(vm, "POST", "shutdown"))[0] == 596
    assert vm.runs(200)


async def test_a_booting_and_a_paused_guest_are_silent(vm: Bed) -> None:
    vm.node.knobs.agent_patience_seconds = 0.05
    assert await vm.run("POST", f"{VM}/status/suspend") == "OK"
    assert await refusal(vm, "POST", "ping") == (500, "QEMU guest agent is not running")
    assert await vm.run("POST", f"{VM}/status/resume") == "OK"
    await vm.post(f"{VM}/agent/ping")
    vm.node.knobs.boot_seconds = 1000
    assert await vm.run("POST", f"{VM}/status/reset") == "OK"
    assert await refusal(vm, "GET", "get-osinfo") == (500, "QEMU guest agent is not running")


async def test_an_agent_that_is_switched_off_is_configured_but_does_not_run(vm: Bed) -> None:
    await vm.put(f"{VM}/config", agent=0)
    assert await vm.run("POST", f"{VM}/status/stop") == "OK"
    assert await vm.run("POST", f"{VM}/status/start") == "OK"
    assert await refusal(vm, "POST", "ping") == (500, "QEMU guest agent is not running")


async def test_release_9_has_finer_privileges_and_reads_parts_of_files(tmp_path: Path) -> None:
    async with bed_in(tmp_path, pve="9") as bed:
        await bed.cloned(200)
        assert await bed.run("POST", f"{VM}/status/start") == "OK"
        await bed.post(f"{VM}/agent/ping")
        await bed.post(f"{VM}/agent/file-write", file="/tmp/a", content="0123456789")
        part = await bed.get(f"{VM}/agent/file-read", file="/tmp/a", offset=2, count=3)
        assert part == {"content": "234", "bytes-read": 3, "truncated": 1}
        kept = await bed.get(f"{VM}/agent/file-read", file="/tmp/a", decode=0)
        assert kept == {"content": "MDEyMzQ1Njc4OQ==", "bytes-read": 10}

        await bed.post("/access/users", userid="eve@pve")
        secret = bed.node.access.new_token("eve@pve", "t", privsep=0)
        eve = {"Authorization": f"PVEAPIToken=eve@pve!t={secret}"}
        await bed.post("/access/roles", roleid="Look", privs="VM.GuestAgent.Audit")
        await bed.put("/access/acl", path="/vms/200", roles="Look", users="eve@pve")
        assert (await bed.call("POST", f"{VM}/agent/ping", headers=eve)).status_code == 200
        refused = await bed.call("POST", f"{VM}/agent/exec", {"command": "true"}, headers=eve)
        assert (refused.status_code, refused.reason_phrase) == (
            403,
            "Permission check failed (/vms/200, VM.GuestAgent.Unrestricted)",
        )
