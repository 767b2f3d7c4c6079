"""The testbed as a program: it starts, keeps, refuses and ends as it should."""

import json
import signal
import socket
from collections.abc import Callable
from pathlib import Path
from urllib.parse import urlsplit

import pymysql
import pytest

from tests.testbed_whmcs.running import Testbed, refused

pytestmark = pytest.mark.mariadb
Start = Callable[..., Testbed]


def test_only_the_administrator_can_write(testbed: Testbed) -> None:
    with pytest.raises(pymysql.err.OperationalError, match="denied"):
        testbed.rows("UPDATE tblclients SET notes = 'x' WHERE id = 0", "readonly_dsn")
    assert testbed.rows("UPDATE tblclients SET notes = 'x' WHERE id = 0", "dsn") == []


def test_the_reader_holds_no_grant_but_select(testbed: Testbed) -> None:
    grants = [row[0].split(" TO ")[0] for row in testbed.rows("SHOW GRANTS", "readonly_dsn")]
    assert grants == ["GRANT USAGE ON *.*", "GRANT SELECT ON `whmcs`.*"]


def test_it_listens_on_loopback_alone(testbed: Testbed) -> None:
    assert testbed.rows("SELECT @@bind_address") == [("127.0.0.1",)]


def test_a_signal_ends_it_cleanly_and_leaves_nothing(start: Start) -> None:
    bed = start("--scale", "0")
    state = Path(bed.ready["truth"]).parent
    assert bed.stop(signal.SIGTERM) == 0
    assert not state.exists()


def test_nothing_outlives_a_kill(start: Start, state_dir: Path) -> None:
    bed = start("--scale", "0", "--state", str(state_dir))
    assert bed.stop(signal.SIGKILL) == -signal.SIGKILL


def test_a_second_start_keeps_the_data(start: Start, state_dir: Path) -> None:
    first = start("--scale", "3", "--state", str(state_dir))
    first.rows("UPDATE tblconfiguration SET value = 'changed' WHERE setting = 'CompanyName'", "dsn")
    first.stop(signal.SIGKILL)
    second = start("--state", str(state_dir))
    assert second.rows("SELECT value FROM tblconfiguration WHERE setting = 'CompanyName'") == [("changed",)]
    assert urlsplit(second.ready["dsn"]).password == urlsplit(first.ready["dsn"]).password


def test_loading_that_was_cut_short_begins_anew(start: Start, state_dir: Path) -> None:
    start("--scale", "0", "--state", str(state_dir)).stop()
    (state_dir / "testbed.json").unlink()
    again = start("--scale", "0", "--state", str(state_dir))
    assert again.rows("SELECT count(*) > 0 FROM tblhosting") == [(1,)]


def test_a_state_directory_is_not_mistaken_for_another_sample(start: Start, state_dir: Path) -> None:
    start("--scale", "0", "--state", str(state_dir)).stop()
    status, error = refused("--seed", "2", "--state", str(state_dir))
    assert (status, error.count("\n")) == (1, 1)
    assert "holds --schema v8.3 --seed 1 --scale 0" in error


def test_the_inventory_goes_where_it_is_wanted(start: Start, tmp_path: Path) -> None:
    wanted = tmp_path / "inventory.json"
    bed = start("--scale", "0", "--inventory-out", str(wanted))
    assert json.loads(wanted.read_text()) == json.loads(Path(bed.ready["inventory"]).read_text())


@pytest.mark.parametrize(
    ("arguments", "status", "said"),
    [
        (["--schema", "v9"], 2, "--schema v9 is not available: there is "),
        (["--edge-rate", "-1"], 2, "--edge-rate -1.0 is below 0"),
        (["--scale", "-1"], 2, "--scale -1 is below 0"),
        (["--port", "70000"], 2, "--port 70000 is not between 0 and 65535"),
        (["--state", "/dev/null/x"], 1, "/dev/null/x cannot be the state directory"),
    ],
)
def test_what_makes_no_sense_is_refused_in_one_line(arguments: list[str], status: int, said: str) -> None:
    got, error = refused(*arguments)
    assert (got, error.count("\n")) == (status, 1)
    assert said in error


def test_a_port_in_use_is_named() -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        status, error = refused("--port", str(port))
    assert (status, error.count("\n")) == (1, 1)
    assert f"port {port} cannot be used (address already in use)" in error
