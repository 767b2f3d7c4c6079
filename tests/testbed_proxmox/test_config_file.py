"""The text of a configuration file, held against the digests that real daemons gave for theirs."""

import hashlib
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from testbed.proxmox.vm import config_file

pytestmark = pytest.mark.pve
RECORDINGS = Path(__file__).parent / "golden"
#: Of these the recording does not show the whole file.
NOT_SHOWN = ("cipassword", "parent", "snaptime")


def recorded() -> Iterator[tuple[str, dict[str, Any]]]:
    """Whole configurations as they were shown, with the recordings' names."""
    for file in sorted(RECORDINGS.glob("*.jsonl")):
        for line in file.read_text().splitlines():
            record = json.loads(line)
            config = shown(record)
            if config and "digest" in config and not any(key in config for key in NOT_SHOWN):
                yield record["name"], config


def shown(record: dict[str, Any]) -> dict[str, Any] | None:
    """The configuration that a recording shows, if it shows one."""
    request, body = record.get("request", {}), record.get("response", {}).get("body")
    path = str(request.get("path", "")).partition("?")[0]
    if request.get("method") != "GET" or "/qemu/" not in path or not path.endswith("/config"):
        return None
    return body.get("data") if isinstance(body, dict) else None


#: Their files had a section of pending changes, which `config` does not show.
PENDING = ("config-running-with-pending", "config-running-current-only")


@pytest.mark.parametrize(
    ("name", "config"), [pytest.param(*pair, id=pair[0]) for pair in recorded() if pair[0] not in PENDING]
)
def test_the_text_has_the_recorded_digest(name: str, config: dict[str, Any]) -> None:
    options = {key: str(value) for key, value in config.items() if key != "digest"}
    text = config_file.section(options)
    assert hashlib.sha1(text.encode(), usedforsecurity=False).hexdigest() == config["digest"]
