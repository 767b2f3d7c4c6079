"""`hostler-projector`: keeps the read models up to date; any number may run, one works."""

from __future__ import annotations

import sys

from eventstore.database import DatabaseUnavailable, NotMigrated
from projector.loop import follow
from runtime import program
from runtime.settings import Settings, SettingsError


async def _main(stop: program.Stop) -> None:
    await follow(Settings().database_url, stop)


def main() -> int:
    """Run until SIGTERM; 1 when it cannot start."""
    return program.run("hostler-projector", _main, expected=(SettingsError, DatabaseUnavailable, NotMigrated))


if __name__ == "__main__":
    sys.exit(main())
