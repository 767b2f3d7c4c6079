"""The port to Proxmox VE and its one adapter."""
