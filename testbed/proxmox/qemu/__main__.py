"""`python -m testbed.proxmox.qemu` builds the guest image ahead of time and prints its folder."""

import sys

from testbed.proxmox.guests import GuestError
from testbed.proxmox.qemu.image import build


def main() -> int:
    """Exit code 1 and one line on standard error if the image cannot be built."""
    try:
        print(build().kernel.parent)
    except GuestError as error:
        print(error, file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
