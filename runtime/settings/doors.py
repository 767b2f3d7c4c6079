"""By what ways people and programs come in, and letters and messages leave."""

from __future__ import annotations

from ipaddress import IPv4Network, IPv6Network
from typing import Literal

from pydantic import Field, model_validator

from runtime.settings.section import FilePath, Section, read_secret


class Auth(Section):
    """Keys of the API: `secret_key_file` is 32 bytes in base64; `signing_key_file` an Ed25519 private key (PEM) that
    access tokens are signed with until the first rotation: without it, one is made.
    """

    signing_key_file: FilePath | None = None
    secret_key_file: FilePath
    access_seconds: int = Field(900, ge=30)
    refresh_seconds: int = Field(14 * 86400, ge=60)
    insecure_cookie: bool = False


class Oidc(Section):
    """The provider by which staff may sign in, called `name`, and whom of its people: those whose address is of one of
    the `domains`, and those in one of the `groups`. They must be administrators here already.

    `link_base` is the address under which people reach the dashboard; the provider sends them back to
    /v1/oidc/callback there. `trust_email` is for providers that never say whether an address was verified.
    """

    name: str = Field("single sign-on", min_length=1, max_length=60)
    issuer: str = Field(pattern=r"^(https://[^\s?#]+|http://(localhost|127\.0\.0\.1|\[::1\])(:\d+)?(/[^\s?#]*)?)$")
    client_id: str = Field(min_length=1)
    client_secret_file: FilePath
    link_base: str = Field(pattern=r"^https?://[^\s?#]+$")
    domains: list[str] = []
    groups: list[str] = []
    groups_claim: str = "groups"
    trust_email: bool = False

    @model_validator(mode="after")
    def _somebody(self) -> Oidc:
        if not self.domains and not self.groups:
            raise ValueError("name the domains, or the groups, whose people may sign in")
        return self

    def client_secret(self) -> str:
        """The secret that was agreed with the provider, read from its file.

        Raises:
            SettingsError: the file cannot be read.
        """
        return read_secret(self.client_secret_file, "oidc.client_secret_file").decode()

    def admits(self, email: str, groups: frozenset[str]) -> bool:
        """Whether somebody with this address, verified, and in these groups may sign in."""
        domain = email.rpartition("@")[2]
        return bool(groups & set(self.groups)) or (bool(domain) and domain in {name.lower() for name in self.domains})


class Letters(Section):
    """Which letters about servers are sent; `attention` goes to administrators, the others to owners."""

    server_ready: bool = True
    server_suspended: bool = True
    server_unsuspended: bool = True
    server_terminated: bool = True
    attention: bool = True


class Mail(Section):
    """How letters leave: through a mail server (`smtp_host`), or as files in a `folder`.

    `link_base` is the address under which people reach the dashboard, such as https://panel.example.com.
    """

    sender: str = Field(pattern=r"^[^\r\n]*[^\s@]+@[^\s@]+$")
    link_base: str = Field(pattern=r"^https?://[^\s?#]+$")
    smtp_host: str | None = None
    smtp_port: int = Field(587, ge=1, le=65535)
    security: Literal["starttls", "tls", "none"] = "starttls"
    user: str | None = None
    password_file: FilePath | None = None
    folder: FilePath | None = None
    letters: Letters = Letters()

    @model_validator(mode="after")
    def _one_way(self) -> Mail:
        if (self.smtp_host is None) == (self.folder is None):
            raise ValueError("name either smtp_host or folder")
        if (self.user is None) != (self.password_file is None):
            raise ValueError("user and password_file go together")
        return self


class Limits(Section):
    """What each caller may ask of one process of the service, at once or evenly; 0 for any number."""

    requests_per_minute: int = Field(6000, ge=0)


class Webhooks(Section):
    """Where messages may be sent: to public servers by https, and what is allowed here besides."""

    allow_http: bool = False
    allow_networks: list[IPv4Network | IPv6Network] = []
