"""Storages and what lies on them: disks, files, backups."""
