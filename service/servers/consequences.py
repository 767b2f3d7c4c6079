"""What an action would mean for a server, in plain words, before it is asked for."""

from __future__ import annotations

from domain.server.state import Server
from service.servers import models

RESTARTS = "It is restarted for it."
LATER = "It has its new cores and memory once it was off and on again."
LOST = "Everything on the disk is lost{snapshots}. Addresses and name stay."
KEPT = "The disk is made anew; a snapshot keeps it as it is now. Addresses and name stay."
BACK = "What was written to the disk since then is lost. Plan, addresses and name stay as they are now."
SNAPSHOTS_LOST = "Its snapshots are lost with the disks they are of."


def of(server: Server, action: models.Act | models.End) -> list[str]:
    """Sentences; none where it is plain what happens."""
    match action:
        case models.Resize() if server.power == "running":
            return [RESTARTS if action.restart else LATER]
        case models.Rebuild() if action.safety:
            return [KEPT]
        case models.Rebuild():
            count = len(server.snapshots)
            snapshots = f", and {'a snapshot' if count == 1 else f'{count} snapshots'} with it" if count else ""
            return [LOST.format(snapshots=snapshots)]
        case models.OfSnapshot(type="snapshot_restore"):
            return [BACK]
        case models.OfBackup(type="backup_restore"):
            return [BACK, *([SNAPSHOTS_LOST] if server.snapshots else [])]
        case _:
            return []
