"""What a program was started with: environment variables that name the rest."""

from __future__ import annotations

import os
from collections.abc import Mapping
from functools import cached_property
from pathlib import Path

from runtime.settings.config import Config, load
from runtime.settings.section import SettingsError


class Settings:
    """What a program was started with. Read once; each part is read when it is asked for."""

    def __init__(self, environ: Mapping[str, str] | None = None):
        self._environ = os.environ if environ is None else environ

    @cached_property
    def database_url(self) -> str:
        """Where PostgreSQL is.

        Raises:
            SettingsError: it is not set.
        """
        url = self._environ.get("HOSTLER_DATABASE_URL", "")
        if not url:
            raise SettingsError("HOSTLER_DATABASE_URL is not set: give postgresql://user:password@host:port/database")
        if not url.startswith(("postgresql://", "postgres://")):
            raise SettingsError("HOSTLER_DATABASE_URL must begin with postgresql://")
        return url

    @cached_property
    def config(self) -> Config:
        """The contents of hostler.toml.

        Raises:
            SettingsError: the file is missing, no TOML, or a setting in it is wrong.
        """
        name = self._environ.get("HOSTLER_CONFIG", "")
        if not name:
            raise SettingsError("HOSTLER_CONFIG is not set: give the path of hostler.toml")
        return load(Path(name))

    @cached_property
    def bind(self) -> tuple[str, int]:
        """Host and port to listen on.

        Raises:
            SettingsError: it is not `host:port`.
        """
        return self._address("HOSTLER_BIND", "127.0.0.1:8000")

    @cached_property
    def metrics_bind(self) -> tuple[str, int] | None:
        """Where metrics are served besides direct loopback, or None.

        Raises:
            SettingsError: it is not `host:port`.
        """
        return self._address("HOSTLER_METRICS_BIND", "") if self._environ.get("HOSTLER_METRICS_BIND") else None

    @cached_property
    def trusted_proxies(self) -> str:
        """Comma-separated addresses that may say the client's address."""
        return self._environ.get("HOSTLER_TRUSTED_PROXIES", "127.0.0.1")

    @cached_property
    def ui_dir(self) -> Path:
        """The folder of the built dashboard."""
        built = Path(__file__).resolve().parents[2] / "ui" / "dist"
        return Path(self._environ.get("HOSTLER_UI_DIR") or built)

    def _address(self, name: str, default: str) -> tuple[str, int]:
        text = self._environ.get(name, default)
        host, _, port = text.rpartition(":")
        if not host or not port.isascii() or not port.isdigit() or not 0 < int(port) < 65536:
            raise SettingsError(f"{name}={text!r} is not host:port, such as 127.0.0.1:8000")
        return host.strip("[]"), int(port)
