"""What the letters say: one function a kind, plain text, no word that a machine needs."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Letter:
    """A letter to one address."""

    kind: str
    to: str
    subject: str
    text: str


def password_reset(to: str, link: str, minutes: int) -> Letter:
    """Somebody, likely the reader, wants to choose a new password."""
    text = (
        "Somebody asked to choose a new password for your account.\n\n"
        f"To do so, open this address within {minutes} minutes:\n\n{link}\n\n"
        "It opens once. If it was not you, do nothing: your password stays as it is.\n"
    )
    return Letter("password_reset", to, "Choose a new password", text)


def password_changed(to: str) -> Letter:
    """The password was changed: whoever did not do it must hear of it."""
    text = (
        "The password of your account was changed, and you were signed out everywhere else.\n\n"
        "If it was not you, choose a new password now and tell the people who run this service.\n"
    )
    return Letter("password_changed", to, "Your password was changed", text)


def invitation(to: str, account: str, link: str, days: int) -> Letter:
    """Somebody may act for an account, if they want to."""
    text = (
        f"You are invited to act for the account {account}.\n\n"
        f"To accept, open this address within {days} days:\n\n{link}\n\n"
        "It opens once. If you did not expect this, do nothing.\n"
    )
    return Letter("invitation", to, f"You are invited to {account}", text)


def two_factor_reset(to: str) -> Letter:
    """Staff turned the second factor off: whoever did not ask for it must hear of it."""
    text = (
        "The second factor of your account was turned off by the people who run this service.\n\n"
        "From now on your password alone signs you in: turn a second factor on again in your account.\n"
        "If you did not ask for this, answer them at once.\n"
    )
    return Letter("two_factor_reset", to, "Your second factor was turned off", text)


def impersonated(to: str, minutes: int) -> Letter:
    """Staff act as the user for a while: they are told when it begins."""
    text = (
        f"Somebody of the people who run this service acts in your account for up to {minutes} minutes.\n\n"
        "What they do is in the history of your servers, in their name. They cannot change your password.\n"
        "If you did not ask for help, tell them.\n"
    )
    return Letter("impersonated", to, "Staff act in your account", text)
