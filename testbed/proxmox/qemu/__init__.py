"""Real guests for the Proxmox testbed: QEMU processes that boot Debian's kernel with a small initramfs."""

from testbed.proxmox.qemu.guests import QemuGuests

__all__ = ["QemuGuests"]
