"""A simulated guest's operating system: what it was started with, its files, and who may turn it off."""

import time
from collections.abc import Callable
from dataclasses import dataclass, field

from testbed.proxmox.guests import GuestSpec, Interface
from testbed.proxmox.inside.files import Files

OS_RELEASE = {
    "id": "debian",
    "name": "Debian GNU/Linux",
    "pretty-name": "Debian GNU/Linux 12 (bookworm)",
    "version": "12 (bookworm)",
    "version-id": "12",
    "machine": "x86_64",
    "kernel-release": "6.1.0-28-cloud-amd64",
    "kernel-version": "#1 SMP PREEMPT_DYNAMIC Debian 6.1.119-1",
}
FIRST_PID = 400

#: Turns the guest off ("poweroff") or lets it boot again ("reboot").
Power = Callable[[str], None]


@dataclass(slots=True)
class System:
    """One running guest from within. `booted` is a Unix time in seconds."""

    spec: GuestSpec
    files: Files
    interfaces: list[Interface]
    booted: float
    power: Power
    pid: int = FIRST_PID
    passwords: dict[str, str] = field(default_factory=dict)

    @property
    def hostname(self) -> str:
        return self.spec.cloud_init.hostname

    @property
    def up(self) -> bool:
        """Whether it has booted."""
        return time.time() >= self.booted

    @property
    def uptime(self) -> float:
        """Seconds since it was up."""
        return max(time.time() - self.booted, 0)

    @property
    def users(self) -> dict[str, str]:
        """The home directory of each user."""
        user = self.spec.cloud_init.user
        return {"root": "/root"} | ({user: f"/home/{user}"} if user and user != "root" else {})

    def next_pid(self) -> int:
        """The number of a new process."""
        self.pid += 2
        return self.pid


def install(spec: GuestSpec, files: Files) -> None:
    """Write what the system and its cloud-init put onto a disk at every start."""
    init = spec.cloud_init
    release = {key.upper().replace("-", "_"): value for key, value in OS_RELEASE.items() if "kernel" not in key}
    files.put("/etc/hostname", f"{init.hostname}\n")
    files.put("/etc/hosts", f"127.0.0.1 localhost\n127.0.1.1 {init.hostname}\n")
    files.put("/etc/os-release", "".join(f'{key}="{value}"\n' for key, value in release.items() if key != "MACHINE"))
    user = init.user or "root"
    home = "/root" if user == "root" else f"/home/{user}"
    known = ["root:x:0:0:root:/root:/bin/bash", *([f"{user}:x:1000:1000::{home}:/bin/bash"] if user != "root" else [])]
    files.put("/etc/passwd", "".join(f"{line}\n" for line in known))
    if init.vendor_data:
        files.put("/var/lib/cloud/instance/vendor-data.txt", init.vendor_data)
    if init.ssh_keys:
        files.put(f"{home}/.ssh/authorized_keys", "".join(f"{key}\n" for key in init.ssh_keys))
