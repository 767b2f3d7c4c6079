"""Saved views: lists that a user comes back to, by name."""
