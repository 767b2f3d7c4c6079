"""Programs that speak like the real Proxmox VE and the real WHMCS, for demos and tests."""
