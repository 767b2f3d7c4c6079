"""What a state directory remembers between starts: what the sample was made of, and the passwords of its users."""

import json
import os
import secrets
import shutil
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from testbed import unprivileged
from testbed.whmcs.mariadb import Account

DATABASE = "whmcs"
FILE_OF_SECRETS = 0o600


class StateError(Exception):
    """The state directory does not fit what was asked; the message is one line that names the mend."""


@dataclass(frozen=True, slots=True)
class Recipe:
    """What decides the content of the database."""

    schema: str
    seed: int
    scale: int
    cases: str = "demo"
    edge_rate: float = 0.0
    engine_mix: int = 0
    charset_mix: int = 0

    def __str__(self) -> str:
        """The flags that ask for it."""
        return " ".join(f"--{name.replace('_', '-')} {value}" for name, value in asdict(self).items())


@dataclass(frozen=True, slots=True)
class State:
    """One state directory and the data directory that belongs to it, which may have to lie elsewhere."""

    home: Path
    data: Path

    @property
    def truth(self) -> Path:
        """Where truth.json is."""
        return self.home / "truth.json"

    @property
    def inventory(self) -> Path:
        """Where the VMs are listed for the Proxmox testbed."""
        return self.home / "inventory.json"

    @property
    def other_inventory(self) -> Path:
        """Where the VMs of the second cluster are listed."""
        return self.home / "inventory-ams.json"

    @property
    def mutations(self) -> Path:
        """Where the mutator notes its changes."""
        return self.home / "mutations.jsonl"

    @property
    def _record(self) -> Path:
        return self.home / "testbed.json"

    def recipe(self) -> Recipe | None:
        """What was loaded here, or None when nothing was, or not to the end."""
        return Recipe(**self._read()["recipe"]) if self._record.exists() else None

    def accounts(self) -> list[Account]:
        """The administrator and the read-only user, as remembered; new ones when nothing is."""
        known = self._read()["passwords"] if self._record.exists() else [secrets.token_hex(16) for _ in range(2)]
        return [
            Account("whmcs_admin", known[0], "ALL PRIVILEGES"),
            Account("whmcs_reader", known[1], "SELECT"),
        ]

    def remember(self, recipe: Recipe, accounts: list[Account]) -> None:
        """Record that *recipe* is loaded, as the very last step of loading."""
        write_json(self._record, {"recipe": asdict(recipe), "passwords": [account.password for account in accounts]})

    def remove(self) -> None:
        """Delete everything, with what lies elsewhere."""
        shutil.rmtree(self.data, ignore_errors=True)
        if self.home.resolve() not in self.data.parents:
            self.data.parent.rmdir()
        shutil.rmtree(self.home, ignore_errors=True)

    def _read(self) -> dict[str, Any]:
        try:
            content: dict[str, Any] = json.loads(self._record.read_text(encoding="utf-8"))
        except ValueError:
            raise StateError(f"{self._record} is damaged: remove {self.home} and start again") from None
        return content


def open_state(home: Path) -> State:
    """The state directory *home*, made if need be. Raises StateError."""
    try:
        home.mkdir(parents=True, exist_ok=True, mode=0o711)
        if home.stat().st_uid == os.geteuid():
            home.chmod(0o711)  # its files are private; the server's user must be able to pass
        return State(home.resolve(), unprivileged.home_for(home / "mariadb"))
    except OSError as error:
        raise StateError(f"{home} cannot be the state directory: {error.strerror}") from None


def write_json(path: Path, content: object) -> None:
    """Write *content* so that the file is there whole or not at all, for its owner alone."""
    partial = path.with_name(f".{path.name}.partial")
    partial.write_text(json.dumps(content, ensure_ascii=False, indent=1) + "\n", encoding="utf-8")
    partial.chmod(FILE_OF_SECRETS)
    partial.replace(path)
