"""Accounts, and who may do what for them."""
