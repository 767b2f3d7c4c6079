"""What the letters say: one function a kind, plain text, no word that a machine needs."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime


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


def welcome(to: str, account: str, link: str, days: int) -> Letter:
    """Somebody became a customer elsewhere: here they only have to choose a password."""
    text = (
        f"An account was opened for {account}, to see and run your servers.\n\n"
        f"You sign in with this e-mail address. To choose your password, open this address within {days} days:\n\n"
        f"{link}\n\n"
        "It opens once. Later, ask for a new password at the sign-in page.\n"
    )
    return Letter("welcome", to, "Your account is ready: choose a password", text)


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


WHY = {
    "non_payment": "because a payment is missing",
    "abuse": "because of a complaint about it",
    "admin": "by the people who run this service",
}


def server_ready(to: str, name: str, addresses: Sequence[str], link: str) -> Letter:
    """An ordered server runs."""
    where = f"Its address is {' and '.join(addresses)}.\n\n" if addresses else ""
    text = f"Your server {name} is ready.\n\n{where}To see it, open its console or change it:\n\n{link}\n"
    return Letter("server_ready", to, f"Your server {name} is ready", text)


def server_suspended(to: str, name: str, reason: str, link: str) -> Letter:
    """A server was taken from its owner for a while."""
    text = (
        f"Your server {name} was suspended {WHY.get(reason, WHY['admin'])}.\n"
        "It is switched off and cannot be started.\n\n"
        "Everything on it is kept: its disk, its addresses, its snapshots and backups. Once the reason is gone it is\n"
        "yours again as it was. If you think this is a mistake, tell the people who run this service.\n\n"
        f"{link}\n"
    )
    return Letter("server_suspended", to, f"Your server {name} was suspended", text)


def server_unsuspended(to: str, name: str, link: str) -> Letter:
    """A suspension is over."""
    text = (
        f"The suspension of your server {name} is over.\n"
        "It is yours again as it was; if it does not run, start it here:\n\n"
        f"{link}\n"
    )
    return Letter("server_unsuspended", to, f"Your server {name} is no longer suspended", text)


def server_terminated(to: str, name: str, purge_at: datetime, link: str) -> Letter:
    """A server is going to be removed."""
    until = f"{purge_at.day} {purge_at:%B %Y at %H:%M} UTC"
    text = (
        f"Your server {name} was terminated and is switched off.\n\n"
        f"Until {until} nothing of it is lost, and you can have it back with one click:\n\n{link}\n\n"
        "After that its disk, its snapshots and its backups are removed for good, and its addresses are given away.\n"
    )
    return Letter("server_terminated", to, f"Your server {name} was terminated", text)


def webhook_disabled(to: str, url: str, why: str, link: str) -> Letter:
    """An endpoint is told nothing any more until somebody turns it on."""
    text = (
        f"Your webhook {url} was turned off.\n\n{why}\n\n"
        "What it was still to be told is kept for 30 days. Turn it on again here once it works, and have it told\n"
        f"again what it missed meanwhile:\n\n{link}\n"
    )
    return Letter("webhook_disabled", to, "A webhook was turned off", text)


def attention(to: str, name: str, operation: str, message: str, link: str) -> Letter:
    """Staff must look: an operation cannot go on by itself."""
    text = (
        f"The operation {operation} on the server {name} stopped and waits for you.\n\n{message}\n\n"
        f"Nothing more is done to the server until somebody decides:\n\n{link}\n"
    )
    return Letter("attention", to, f"{name}: {operation} needs attention", text)
