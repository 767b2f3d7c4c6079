"""A Proxmox cluster as Hostler's operators treat it: what is under maintenance."""
