"""What Proxmox says, and which of our errors it becomes."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from hypervisor.errors import (
    AgentSilent,
    Ambiguous,
    Busy,
    Conflict,
    Denied,
    HypervisorError,
    Invalid,
    Missing,
    Refused,
    Stale,
    Unreachable,
)
from hypervisor.port import TaskCause
from hypervisor.texts import Answer, archive, sort, sort_task

GOLDEN = Path(__file__).parents[1] / "testbed_proxmox" / "golden"

CHANGES: list[tuple[int, str, type[HypervisorError]]] = [
    (401, "Authentication failed!", Denied),
    (403, "Permission check failed (/vms/100, VM.Clone)", Denied),
    (400, "Parameter verification failed.", Invalid),
    (500, "Configuration file 'nodes/pve1/qemu-server/999.conf' does not exist", Missing),
    (500, "unable to find configuration file for VM 7777 on node 'pve1'", Missing),
    (500, "unable to create VM 100: config file already exists", Conflict),
    (500, "unable to create VM 100 - VM 100 already exists on node 'pve1'", Conflict),
    (500, "VM is locked (backup)", Busy),
    (500, "unable to restore VM 100 - VM is locked (create)", Busy),
    (500, "unable to restore VM 100 - vm is running", Refused),
    (500, "can't lock file '/var/lock/qemu-server/lock-100.conf' - got timeout", Busy),
    (500, "can't lock file '/var/lock/pve-manager/pve-storage-local' - got timeout", Busy),
    (500, "cfs-lock 'storage-ceph' error: got lock request timeout", Busy),
    (500, "cluster not ready - no quorum?", Busy),
    (500, "unable to fork worker - Cannot allocate memory", Busy),
    (500, "RPCEnvironment init request failed: Unable to load access control list: Connection refused", Busy),
    (500, "checksum mismatch (file change by other user?)", Stale),
    (500, "VM 110 is running - destroy failed", Refused),
    (500, "can't remove VM 110 - protection mode enabled", Refused),
    (500, "VM 110 not running", Refused),
    (500, "storage 'nope' does not exist", Refused),
    (500, "pool 'nope' does not exist", Refused),
    (500, "hostname lookup 'nope' failed - failed to get address info for: nope", Unreachable),
    (500, "can't lock file '/var/log/pve/tasks/.active.lock' - got timeout", Ambiguous),
    (500, "something nobody has heard of", Ambiguous),
    (501, "Method 'POST /version' not implemented", Refused),
    (502, "Bad Gateway", Ambiguous),
    (595, "Connection refused", Unreachable),
    (596, "Connection timed out", Ambiguous),
    (596, "Broken pipe", Ambiguous),
    (596, "tls_process_server_certificate: certificate verify failed", Unreachable),
    (597, "Connection reset by peer", Ambiguous),
    (599, "Too many redirections", Ambiguous),
]


@pytest.mark.parametrize(("status", "text", "kind"), CHANGES)
def test_sorts_the_answer_to_a_change(status: int, text: str, kind: type[HypervisorError]) -> None:
    assert sort(Answer(status, text, {}), mutating=True) is kind


@pytest.mark.parametrize("status", [500, 502, 504, 596, 597, 599])
def test_an_unclear_answer_to_a_read_is_only_unreachable(status: int) -> None:
    assert sort(Answer(status, "who knows", {}), mutating=False) is Unreachable


@pytest.mark.parametrize(
    "text",
    [
        "No QEMU guest agent configured",
        "QEMU guest agent is not running",
        "VM 100 is not running",
        "VM 100 qga command 'guest-network-get-interfaces' failed - got timeout",
        "VM 100 qmp command 'guest-ping' failed - got timeout",
    ],
)
def test_a_silent_agent_is_no_other_failure(text: str) -> None:
    assert sort(Answer(500, text, {}), mutating=False) is AgentSilent


@pytest.mark.parametrize(
    ("fields", "kind"),
    [
        ({"vmid": "VM 100 already exists"}, Conflict),
        ({"vmid": "CT 100 already exists"}, Conflict),
        ({"upid": "no such task"}, Missing),
        ({"upid": "unable to parse worker upid"}, Invalid),
        ({"vmid": "type check ('integer') failed - got 'abc'"}, Invalid),
    ],
)
def test_fields_tell_existing_and_missing_from_invalid(fields: dict[str, str], kind: type[HypervisorError]) -> None:
    assert sort(Answer(400, "Parameter verification failed.", fields), mutating=False) is kind


@pytest.mark.parametrize(
    ("text", "cause"),
    [
        ("VM 110 already running", "already"),
        ("VM is locked (clone)", "busy"),
        ("can't lock file '/var/lock/qemu-server/lock-120.conf' - got timeout", "busy"),
        ("clone failed: cfs-lock 'storage-x' error: got lock request timeout", "busy"),
        ("unable to create VM 100: config file already exists", "conflict"),
        (
            "clone failed: close (rename) atomic file '/etc/pve/nodes/a/qemu-server/1.conf' failed: File exists",
            "conflict",
        ),
        ("unable to find configuration file for VM 7777 on node 'pve1'", "missing"),
        ("shrinking disks is not supported", "refused"),
        ("VM quit/powerdown failed - got timeout", "timeout"),
        ("clone failed: copy failed: command 'qemu-img' failed: exit code 1", "unknown"),
        ("received interrupt", "unknown"),
    ],
)
def test_sorts_why_a_task_failed(text: str, cause: TaskCause) -> None:
    assert sort_task(text) == cause


# Recorded failures that are rightly unclear: endpoints we never call, or a plain "who knows".
UNCLEAR = (
    "malformed JSON string",
    "Timeout while waiting for port",
    "could not load supported machine versions",
    "no such file '/foo'",
    "create pool failed",
    "delete pool failed",
    "update pools failed",
    "create user failed",
    "disk image '",
    "unable to create template",
    "unable to use snapshot name",
    "volume_size_info",
    "you can't convert a template",
    "you can't move to the same storage",
)


def recorded() -> Iterator[tuple[str, dict[str, Any]]]:
    for path in sorted(GOLDEN.glob("*.jsonl")):
        for line in path.read_text().splitlines():
            record = json.loads(line)
            if (record.get("response") or {}).get("status", 0) >= 400:
                yield f"{path.stem[:2]}-{record['name']}", record


def answer_of(response: dict[str, Any]) -> Answer:
    body = response.get("body")
    body = body if isinstance(body, dict) else {}
    text = str(body.get("message") or response["reason"]).strip()
    return Answer(response["status"], text, body.get("errors") or {})


@pytest.mark.skipif(not GOLDEN.is_dir(), reason="the recorded answers of Proxmox are not beside this checkout")
@pytest.mark.parametrize("record", [pytest.param(record, id=name) for name, record in recorded()])
def test_every_recorded_refusal_has_a_sensible_class(record: dict[str, Any]) -> None:
    answer = answer_of(record["response"])
    kind = sort(answer, mutating=record["request"]["method"] != "GET")
    expected: dict[int, set[type[HypervisorError]]] = {
        400: {Invalid, Conflict, Missing},
        401: {Denied},
        403: {Denied},
        424: {Refused},
        501: {Refused},
        595: {Unreachable},
        596: {Unreachable, Ambiguous},
    }
    unclear = answer.status == 500 and answer.text.startswith(UNCLEAR)
    if answer.status == 500:
        assert (kind in {Ambiguous, Unreachable}) == (unclear or answer.text.startswith("hostname lookup"))
    else:
        assert kind in expected[answer.status]


@pytest.mark.skipif(not GOLDEN.is_dir(), reason="the recorded answers of Proxmox are not beside this checkout")
def test_the_recorded_change_that_timed_out_and_still_ran_is_ambiguous() -> None:
    record = dict(recorded())["11-E:clone-while-pvedaemon-frozen"]
    assert sort(answer_of(record["response"]), mutating=True) is Ambiguous


@pytest.mark.parametrize(
    ("line", "volume"),
    [
        (
            "INFO: creating vzdump archive '/mnt/nfs/dump/vzdump-qemu-1-x.vma.zst'",
            "b:backup/vzdump-qemu-1-x.vma.zst",
        ),
        (
            "INFO: creating Proxmox Backup Server archive 'vm/1/2026-01-02T03:04:05Z'",
            "b:backup/vm/1/2026-01-02T03:04:05Z",
        ),
        ("INFO: starting new backup job: vzdump 100", None),
    ],
)
def test_a_backups_log_names_its_archive(line: str, volume: str | None) -> None:
    assert archive(["INFO: Starting Backup of VM 100 (qemu)", line], "b") == volume
