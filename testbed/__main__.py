"""`hostler-testbed {proxmox,whmcs,demo} …`: each runs one program in the foreground."""

import sys

USAGE = "usage: hostler-testbed {proxmox,whmcs,demo} [options]; `hostler-testbed NAME --help` lists its options"


def main(argv: list[str] | None = None) -> int:
    """Dispatch to a program; its exit code, 64 for a wrong name."""
    name, *rest = (sys.argv[1:] if argv is None else argv) or [""]
    if name == "proxmox":
        from testbed.proxmox.program import run

        return run(rest)
    if name == "whmcs":
        from testbed.whmcs.program import run as run_whmcs

        return run_whmcs(rest)
    if name == "demo":
        from testbed.demo import main as run_demo

        return run_demo(rest)
    asked = name in ("-h", "--help")
    print(USAGE, file=sys.stdout if asked else sys.stderr)
    return 0 if asked else 64


if __name__ == "__main__":
    sys.exit(main())
