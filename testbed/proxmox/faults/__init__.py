"""Faults on demand: what networks, machines and strangers do to a cluster."""
