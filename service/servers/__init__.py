"""Servers: ordering them, acting on them, what became of them."""
