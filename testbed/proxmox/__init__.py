"""A Proxmox VE in one process: the API, its tasks, locks and errors, on simulated or real guests."""
