"""Virtual machines: their configuration files, options, changes, snapshots."""
