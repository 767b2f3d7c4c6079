"""What a table of hostler.toml is made of: no key is unknown, and secrets are named by file."""

from __future__ import annotations

from ipaddress import IPv4Address, IPv6Address
from pathlib import Path
from typing import Annotated

from pydantic import BaseModel, BeforeValidator, ConfigDict


class SettingsError(Exception):
    """A setting is wrong or missing; the message names it and the mend."""


Address = IPv4Address | IPv6Address


def _path(value: object) -> object:
    return Path(value).expanduser() if isinstance(value, str) else value


FilePath = Annotated[Path, BeforeValidator(_path)]


class Section(BaseModel):
    """A table of hostler.toml: unknown keys are mistakes."""

    model_config = ConfigDict(extra="forbid", frozen=True)


def read_secret(path: Path, setting: str) -> bytes:
    """The contents of a secret's file, outer white space removed.

    Raises:
        SettingsError: naming the setting and the file.
    """
    try:
        return path.read_bytes().strip()
    except OSError as error:
        raise SettingsError(f"{setting}: {path}: {error.strerror}") from error
