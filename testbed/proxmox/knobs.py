"""What the control interface can turn while the testbed runs."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass, fields

from testbed.proxmox.errors import parameter_errors


@dataclass(slots=True)
class Knobs:
    """Speeds and delays, with the defaults of a quick machine."""

    stat_seconds: float = 10.0
    stat_expiry_seconds: float = 300.0
    boot_seconds: float = 0.3
    shutdown_seconds: float = 0.3
    linked_clone_seconds: float = 0.02
    full_clone_seconds: float = 0.3
    snapshot_seconds: float = 0.02
    #: How long a removal of a volume takes, and until a simulated guest's process answers.
    removal_seconds: float = 0.02
    start_seconds: float = 0.02
    migration_seconds: float = 0.3
    #: Between two rounds of high availability, and until it does what it was asked for.
    ha_seconds: float = 10.0
    storage_hold_seconds: float = 0.0
    restart_seconds: float = 0.3
    login_delay_seconds: float = 3.0
    proxy_timeout_seconds: float = 30.0
    agent_patience_seconds: float = 3.0
    console_wait_seconds: float = 10.0
    #: How long pveproxy waits for an answer that pvedaemon failed to write.
    broken_answer_seconds: float = 5.0
    lock_timeout_factor: float = 1.0
    #: How many protected calls pvedaemon works on at once; with 0 it is frozen, and they wait.
    pvedaemon_workers: float = 3
    #: Before 5.2 the bodies of errors had no `message`.
    http_server_version: float = 5.2

    @contextmanager
    def in_no_time(self) -> Iterator[None]:
        """Make disks at once for a while."""
        kept = self.linked_clone_seconds, self.full_clone_seconds
        self.linked_clone_seconds = self.full_clone_seconds = 0.0
        yield
        self.linked_clone_seconds, self.full_clone_seconds = kept

    def turn(self, values: dict[str, object]) -> dict[str, float]:
        """Set some; raises `ApiError` 400 for an unknown name or a value that is no number."""
        known = {field.name for field in fields(self)}
        for name, value in values.items():
            if name not in known or isinstance(value, bool) or not isinstance(value, int | float):
                raise parameter_errors({name: f"no such knob, or no number; there are {', '.join(sorted(known))}"})
        for name, value in values.items():
            setattr(self, name, value)
        return asdict(self)
