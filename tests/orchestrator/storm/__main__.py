"""`python -m tests.orchestrator.storm SEED [SERVER]`: one storm, every event, and what was found at the end."""

from __future__ import annotations

import sys

from tests.orchestrator.storm.storm import Storm


def main() -> int:
    """1 when a law was broken."""
    report = Storm(int(sys.argv[1])).run()
    wanted = sys.argv[2] if len(sys.argv) > 2 else ""
    for line in report.trace:
        if wanted in line:
            print(line)
    print(dict(report.faults))
    print(report.findings.all() or "no law was broken")
    return 1 if report.findings.all() else 0


if __name__ == "__main__":
    sys.exit(main())
