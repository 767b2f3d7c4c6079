"""Drives Proxmox: claims a wake, observes, does one effect, records what happened."""
