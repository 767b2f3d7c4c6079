"""What a guest uses of its host, read from /proc as Proxmox does (qemu-server QemuServer.pm `vmstatus`)."""

import os
import time
from pathlib import Path

TICKS_PER_SECOND = os.sysconf("SC_CLK_TCK")
PAGE_BYTES = os.sysconf("SC_PAGE_SIZE")
#: Shorter spans than this say little about the load; the last figure stands meanwhile.
SPAN_SECONDS = 1.0


class Usage:
    """The figures of one process. Load is the share of `cores` used since the last figure."""

    def __init__(self, pid: int, cores: int) -> None:
        self._proc, self._cores = Path(f"/proc/{pid}"), cores
        self._at, self._ticks, self._load = time.monotonic(), 0, 0.0

    def read(self) -> dict[str, float]:
        """`cpu` (0 to 1), `mem`, `diskread`, `diskwrite` (bytes); nothing once the process is gone.

        QEMU's user network does not count bytes, and a restricted one carries hardly any: the traffic is 0.
        """
        try:
            pages = int((self._proc / "statm").read_text().split()[1])
            disk = dict(line.split(": ") for line in (self._proc / "io").read_text().splitlines())
            self._measure_load()
        except OSError:
            return {}
        written, got = int(disk["write_bytes"]), int(disk["read_bytes"])
        network = {"netin": 0, "netout": 0}
        return {"cpu": self._load, "mem": pages * PAGE_BYTES, "diskread": got, "diskwrite": written} | network

    def _measure_load(self) -> None:
        now = time.monotonic()
        span = now - self._at
        if span < SPAN_SECONDS:
            return
        # The process name in parentheses may hold spaces; user and system time are fields 14 and 15.
        fields = (self._proc / "stat").read_text().rpartition(")")[2].split()
        ticks = int(fields[11]) + int(fields[12])
        load = (ticks - self._ticks) / TICKS_PER_SECOND / span / self._cores
        self._at, self._ticks, self._load = now, ticks, round(min(load, 1.0), 6)
