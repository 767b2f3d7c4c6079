"""`python -m bench [NAME]`: one measurement, or all of them one after the other."""

from __future__ import annotations

import sys

import uvloop

from bench import answers, append, create, imports, observe, pve, replay, streams, ui, wake

BENCHES = {
    "append": append.main,
    "wake": wake.main,
    "create": create.main,
    "replay": replay.main,
    "pve": pve.main,
    "http": answers.main,
    "streams": streams.main,
    "observe": observe.main,
    "import": imports.main,
    "ui": ui.main,
}


def main() -> int:
    """0 measured, 64 unknown name."""
    names = sys.argv[1:] or list(BENCHES)
    unknown = [name for name in names if name not in BENCHES]
    if unknown:
        print(f"scripts/bench: unknown name {unknown[0]!r}: one of {', '.join(BENCHES)}", file=sys.stderr)
        return 64
    for name in names:
        uvloop.run(BENCHES[name]())  # as the programs do
    return 0


if __name__ == "__main__":
    sys.exit(main())
