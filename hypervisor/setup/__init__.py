"""Making a Proxmox cluster ready for Hostler, and looking whether it is."""
