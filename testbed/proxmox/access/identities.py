"""Who asks, and the names of users, tokens, groups, roles, realms and pools (pve-access-control Auth/Plugin.pm)."""

import re
from dataclasses import dataclass

from testbed.proxmox import formats
from testbed.proxmox.errors import Die
from testbed.proxmox.formats import split_list
from testbed.proxmox.schema import FormatError

ROOT = "root@pam"
USER = r"[^\s:/]+"
REALM = r"[A-Za-z][A-Za-z0-9.\-_]+"
TOKEN = REALM
NAME = r"[A-Za-z0-9.\-_]+"
USER_OR_TOKEN = rf"{USER}@{REALM}(?:!{TOKEN})?"
SHORTEST, LONGEST = 3, 64
POOL_LEVELS = 3


@dataclass(frozen=True, slots=True)
class Identity:
    """Who is asking. `id` is `user@realm` or `user@realm!token`."""

    id: str

    @property
    def user(self) -> str:
        return self.id.partition("!")[0]

    @property
    def token(self) -> str | None:
        return self.id.partition("!")[2] or None

    @property
    def root(self) -> bool:
        """Root itself; root's API tokens are not."""
        return self.id == ROOT


class BadUserName(Die):
    """A user's name that cannot be one."""


def split_user(name: str) -> tuple[str, str]:
    """The name and the realm of a user; raises `BadUserName`."""
    if len(name) < SHORTEST:
        raise BadUserName(f"user name '{name}' is too short")
    if len(name) > LONGEST:
        raise BadUserName(f"user name '{name}' is too long ({len(name)} > {LONGEST})")
    match = re.fullmatch(rf"({USER})@({REALM})", name)
    if not match:
        raise BadUserName(f"value '{name}' does not look like a valid user name")
    return match[1], match[2]


def split_token(name: str) -> tuple[str, str] | None:
    """The user and the short name of a token, or None."""
    match = re.fullmatch(rf"({USER}@{REALM})!({TOKEN})", name)
    return (match[1], match[2]) if match else None


def user_name(text: str) -> None:
    """The format pve-userid."""
    try:
        split_user(text)
    except BadUserName as error:
        raise FormatError(error.message) from None


def user_names(text: str) -> None:
    """Several of them."""
    for item in split_list(text):
        user_name(item)


def token_names(text: str) -> None:
    """The format pve-tokenid-list."""
    for item in split_list(text):
        if split_token(item) is None:
            raise FormatError(f"value '{item}' does not look like a valid token ID")


def _plain(text: str, what: str) -> None:
    if not re.fullmatch(NAME, text):
        raise FormatError(f"{what} name '{text}' contains invalid characters")


def group_name(text: str) -> None:
    """The format pve-groupid."""
    _plain(text, "group")


def group_names(text: str) -> None:
    """Several of them."""
    for item in split_list(text):
        group_name(item)


def role_name(text: str) -> None:
    """The format pve-roleid."""
    _plain(text, "role")


def role_names(text: str) -> None:
    """Several of them."""
    for item in split_list(text):
        role_name(item)


def realm_name(text: str) -> None:
    """The format pve-realm."""
    if not re.fullmatch(REALM, text):
        raise FormatError("value does not look like a valid realm")


def pool_name(text: str) -> None:
    """The format pve-poolid: up to three levels."""
    if len(text.split("/")) > POOL_LEVELS:
        raise FormatError(f"pool name '{text}' nested too deeply (max levels = {POOL_LEVELS})")
    if not re.fullmatch(rf"{NAME}(?:/{NAME}){{0,2}}", text):
        raise FormatError(f"pool name '{text}' contains invalid characters")


def email(text: str) -> None:
    """The format email-opt: an address, or nothing."""
    if text:
        formats.email(text)
