"""`hostler-testbed {proxmox,whmcs,demo} …`: each runs one program in the foreground."""

import sys
from importlib import import_module

PROGRAMS = {
    "proxmox": ("testbed.proxmox.program", "run"),
    "whmcs": ("testbed.whmcs.program", "run"),
    "demo": ("testbed.demo", "main"),
}
USAGE = f"usage: hostler-testbed {{{','.join(PROGRAMS)}}} [options]; `hostler-testbed NAME --help` lists its options"


def main(argv: list[str] | None = None) -> int:
    """Run the named program; its exit code, 64 for a wrong name."""
    name, *rest = (sys.argv[1:] if argv is None else argv) or [""]
    if name in PROGRAMS:
        module, function = PROGRAMS[name]
        return int(getattr(import_module(module), function)(rest))
    asked = name in ("-h", "--help")
    print(USAGE, file=sys.stdout if asked else sys.stderr)
    return 0 if asked else 64


if __name__ == "__main__":
    sys.exit(main())
