"""Accounts own servers; users sign in and act for accounts through memberships."""
