"""The steps of the operations: each says what its goal is, how it is observed, and what to ask of Proxmox."""
