"""Settings: the environment and one `hostler.toml`. Secrets are named by file, never written in it.

A wrong or missing setting raises `SettingsError` with one line that names it and the mend.
"""

from __future__ import annotations

import os
import tomllib
from collections.abc import Iterable, Mapping
from functools import cached_property
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address, ip_network
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, IPvAnyAddress, ValidationError, model_validator


class SettingsError(Exception):
    """A setting is wrong or missing; the message names it and the mend."""


def _path(value: object) -> object:
    return Path(value).expanduser() if isinstance(value, str) else value


Address = IPv4Address | IPv6Address
FilePath = Annotated[Path, BeforeValidator(_path)]


class Section(BaseModel):
    """A table of hostler.toml: unknown keys are mistakes."""

    model_config = ConfigDict(extra="forbid", frozen=True)


class Slots(Section):
    """How many heavy tasks (copies, backups) may run at once on one node, on one storage, from one template."""

    node: int = Field(4, ge=1)
    storage: int = Field(8, ge=1)
    template: int = Field(8, ge=1)


class Snippets(Section):
    """A storage with content `snippets`, and the folder in which its snippets lie on the machines of the orchestrators.

    Proxmox reads them as root: `readable_by_all` is for storages on which root is nobody.
    """

    storage: str = Field(min_length=1)
    folder: FilePath
    readable_by_all: bool = False


class Cluster(Section):
    """One Proxmox cluster and how Hostler may use it."""

    name: str
    endpoints: list[str] = Field(min_length=1)
    token_id: str
    token_secret_file: FilePath
    verify: Literal["system", "none"] | FilePath = "system"
    fingerprint: str | None = None
    vmid_first: int = Field(10_000_000, ge=100, le=999_999_999)
    vmid_last: int = Field(99_999_999, ge=100, le=999_999_999)
    memory_overcommit: float = Field(1.0, gt=0)
    cpu_overcommit: float = Field(16.0, gt=0)  # promised cores per core of the node
    storage: str
    backup_storage: str | None = None  # without one there are no backups
    snippets: Snippets | None = None  # without them there is no user data
    storage_overcommit: float = Field(4.0, gt=0)  # promised GiB per GiB: disks are mostly thin
    storage_reserve: float = Field(0.1, ge=0, lt=1)  # the share of a storage that stays free
    bridge: str = "vmbr0"
    full_clone: bool = False
    # Image template key -> VMID of the template, or per node a VMID where templates lie on storages of the nodes' own.
    templates: dict[str, int | dict[str, int]] = {}
    ignored_nodes: list[str] = []
    mode: Literal["observe", "manage"] = "manage"  # observe: nothing there is ever changed
    slots: Slots = Slots()

    def template_vmids(self, key: str) -> frozenset[int]:
        """The VMIDs under which an image's template may be."""
        found = self.templates.get(key, {})
        return frozenset(found.values()) if isinstance(found, dict) else frozenset({found})

    @property
    def all_template_vmids(self) -> frozenset[int]:
        """The VMIDs of the templates of all images."""
        return frozenset[int]().union(*map(self.template_vmids, self.templates))

    def token_secret(self) -> str:
        """The token's secret, read from its file.

        Raises:
            SettingsError: the file cannot be read.
        """
        return read_secret(self.token_secret_file, f"cluster {self.name}: token_secret_file").decode()


def _range(text: str) -> tuple[Address, Address]:
    """The first and the last of a range such as "10.0.0.2-10.0.0.9", of a network, or of a single address."""
    low, dash, high = (part.strip() for part in text.partition("-"))
    try:
        network = ip_network(low, strict=False)
        first, last = (ip_address(low), ip_address(high)) if dash else (network[0], network[-1])
    except ValueError:
        raise ValueError(f"reserved {text!r} is no address, network or range") from None
    if first.version != last.version or int(first) > int(last):
        raise ValueError(f"reserved {text!r} is no address, network or range")
    return first, last


class Pool(Section):
    """Addresses that may be given to servers of a location."""

    name: str
    location: str
    network: IPv4Network | IPv6Network
    gateway: IPvAnyAddress
    first: IPvAnyAddress
    last: IPvAnyAddress
    nameserver: str | None = None
    cluster: str | None = None  # only for servers there; otherwise wherever the location is
    bridge: str | None = None  # instead of the cluster's
    vlan: int | None = Field(None, ge=1, le=4094)
    per_server: int = Field(1, ge=0, le=64)  # how many of this family each server gets
    server_prefix: int | None = Field(None, ge=1, le=127)  # IPv6: each server gets a prefix of this length of its own
    reserved: list[str] = []  # never given: addresses, networks, or ranges such as "10.0.0.2-10.0.0.9"

    @model_validator(mode="after")
    def _inside(self) -> Pool:
        for name in ("gateway", "first", "last"):
            address = ip_address(str(getattr(self, name)))
            near = name == "gateway" and address.version == self.network.version and address.is_link_local
            if address not in self.network and not near:
                raise ValueError(f"{name} is not inside {self.network}")
        if self.server_prefix is not None and not self.network.prefixlen <= self.server_prefix < self._longest:
            raise ValueError(f"server_prefix is not one of an IPv6 network within {self.network}")
        for text in self.reserved:
            _range(text)
        return self

    @property
    def _longest(self) -> int:
        return 128 if self.network.version == 6 else 0

    @property
    def kept(self) -> list[tuple[Address, Address]]:
        """What is never given, as ranges: the gateway and what is reserved."""
        gateway = ip_address(str(self.gateway))
        ranges = [(gateway, gateway), *(_range(text) for text in self.reserved)]
        return [(low, high) for low, high in ranges if low.version == self.network.version]

    @property
    def size(self) -> int:
        """How many addresses, or prefixes for whole servers, may be given."""
        shift = self.network.max_prefixlen - (self.server_prefix or self.network.max_prefixlen)
        free, last = int(self.first) >> shift, int(self.last) >> shift
        size = last - free + 1
        for low, high in sorted((int(low) >> shift, int(high) >> shift) for low, high in self.kept):
            size -= max(0, min(high, last) - max(low, free) + 1)
            free = max(free, high + 1)
        return size


class Plan(Section):
    key: str
    name: str
    vcpus: int = Field(ge=1, le=512)
    memory_mib: int = Field(ge=16)
    disk_gib: int = Field(ge=1)
    snapshots: int = Field(3, ge=0)
    backups: int = Field(3, ge=0)


class Image(Section):
    """`user` is whom passwords and keys are for; without it, whom the image itself has."""

    key: str
    name: str
    template: str
    min_disk_gib: int = Field(1, ge=1)
    user: str | None = Field(None, pattern=r"^[a-z_][a-z0-9_-]{0,31}$")


class Location(Section):
    """A place where servers can be: one cluster or several. `pools`: those of other locations that it has as well."""

    key: str
    name: str
    cluster: str | None = None
    clusters: list[str] = []
    pools: list[str] = []

    @model_validator(mode="after")
    def _somewhere(self) -> Location:
        if not self.names:
            raise ValueError(f"location {self.key!r} names no cluster")
        return self

    @property
    def names(self) -> list[str]:
        """The names of its clusters."""
        return [*([self.cluster] if self.cluster else []), *(n for n in self.clusters if n != self.cluster)]


class DriftPolicy(Section):
    """What is done by itself when a guest is not as the log says: the log follows, the guest is repaired, or staff are
    asked. What is not named here is always for staff, moves to other nodes are always followed.
    """

    power: Literal["follow", "repair", "ask"] = "follow"
    renamed: Literal["follow", "repair", "ask"] = "ask"
    reconfigured: Literal["follow", "repair", "ask"] = "ask"
    firewall: Literal["repair", "ask"] = "repair"
    leftover: Literal["repair", "ask"] = "ask"  # volumes of a server that was removed


class Policy(Section):
    """How the operator wants things done; times in seconds."""

    undo_window: int = Field(72 * 3600, ge=0)
    shutdown_timeout: int = Field(60, ge=1)
    address_timeout: int = Field(300, ge=1)
    observe_every: float = Field(10.0, gt=0)
    drift: DriftPolicy = DriftPolicy()
    lock_left_after: int = Field(900, ge=0)  # a lock that no task of the guest explains for so long was left behind
    closer_looks: int = Field(5, ge=0)  # guests whose configuration is read at each look, in turn
    address_quarantine: int = Field(3600, ge=0)  # how long a released address is given to nobody
    spread_accounts: bool = True  # keep an account's servers on different nodes where that is possible
    destroy_limit: int = Field(20, ge=0)  # guests removed within `destroy_window`; more wait for staff
    destroy_window: int = Field(600, ge=1)
    # Suspensions and terminations for billing within `billing_window`: more than so many, or than this share of all
    # servers (though never fewer than `billing_least`), wait for staff.
    billing_limit: int = Field(50, ge=0)
    billing_share: float = Field(0.05, ge=0, le=1)
    billing_least: int = Field(3, ge=0)
    billing_window: int = Field(600, ge=1)


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


class Config(Section):
    """The whole of hostler.toml."""

    auth: Auth
    limits: Limits = Limits()
    policy: Policy = Policy()
    mail: Mail | None = None
    webhooks: Webhooks = Webhooks()
    oidc: Oidc | None = None
    cluster: list[Cluster] = []
    pool: list[Pool] = []
    plan: list[Plan] = []
    image: list[Image] = []
    location: list[Location] = []

    @model_validator(mode="after")
    def _consistent(self) -> Config:
        clusters = {c.name for c in self.cluster}
        places = {place.key for place in self.location}
        for location in self.location:
            if unknown := [name for name in location.names if name not in clusters]:
                raise ValueError(f"location {location.key!r} names the unknown cluster {unknown[0]!r}")
            if strange := set(location.pools) - {pool.name for pool in self.pool}:
                raise ValueError(f"location {location.key!r} names the unknown pool {min(strange)!r}")
        for pool in self.pool:
            if pool.location not in places:
                raise ValueError(f"pool {pool.name!r} names the unknown location {pool.location!r}")
            if pool.cluster is not None and pool.cluster not in clusters:
                raise ValueError(f"pool {pool.name!r} names the unknown cluster {pool.cluster!r}")
        return self

    def cluster_named(self, name: str) -> Cluster:
        """A cluster.

        Raises:
            SettingsError: there is none of this name (any more).
        """
        found = next((c for c in self.cluster if c.name == name), None)
        if found is None:
            raise SettingsError(f"hostler.toml has no cluster {name!r}, but there are servers in it")
        return found

    def user_of(self, template: str) -> str | None:
        """Whom passwords and keys of an image are for, if it is said."""
        return next((image.user for image in self.image if image.template == template), None)

    def known_cluster(self, name: str | None) -> Cluster | None:
        """A cluster by its name, None when there is none of this name."""
        return next((cluster for cluster in self.cluster if cluster.name == name), None)

    def clusters_of(self, location: str) -> list[Cluster]:
        """The clusters behind a location key; none when it is no longer offered."""
        names = next((place.names for place in self.location if place.key == location), [])
        return [self.cluster_named(name) for name in names]

    def pools_of(self, location: str, cluster: str) -> list[Pool]:
        """The pools whose addresses servers of a location get in one of its clusters."""
        also = next((place.pools for place in self.location if place.key == location), [])
        own = [pool for pool in self.pool if pool.location == location or pool.name in also]
        return [pool for pool in own if pool.cluster in (None, cluster)]

    def with_offers(self, offers: Iterable[tuple[str, Mapping[str, Any]]]) -> Config:
        """The settings with what staff offer beside them: pairs of a kind (`image`, `location`) and its declaration.

        The settings win where both use one key; clusters that they do not know (any more) are left out.
        """
        declared = list(offers)
        images = [plain for kind, plain in declared if kind == "image"]
        places = [self._place(plain) for kind, plain in declared if kind == "location"]
        known = {place.key for place in self.location}
        return self.model_copy(
            update={
                "image": [*self.image, *(Image(**_only(Image, plain)) for plain in images)],
                "location": [*self.location, *(place for place in places if place.key not in known)],
                "cluster": [_with_templates(cluster, images) for cluster in self.cluster],
            }
        )

    def _place(self, plain: Mapping[str, Any]) -> Location:
        clusters = [name for name in plain["clusters"] if self.known_cluster(name) is not None]
        return Location.model_construct(**_only(Location, plain) | {"clusters": clusters})


def _only(section: type[Section], plain: Mapping[str, Any]) -> dict[str, Any]:
    return {name: plain[name] for name in section.model_fields if name in plain}


def _with_templates(cluster: Cluster, images: Iterable[Mapping[str, Any]]) -> Cluster:
    """A cluster with the templates that images bring along: VMIDs of it, or per node."""
    found: dict[str, int | dict[str, int]] = {}
    for image in images:
        places = [place for place in image["templates"] if place["cluster"] == cluster.name]
        by_node = {place["node"]: place["vmid"] for place in places if place["node"] is not None}
        anywhere = next((place["vmid"] for place in places if place["node"] is None), None)
        if anywhere is not None or by_node:
            found[image["template"]] = by_node if anywhere is None else anywhere
    return cluster.model_copy(update={"templates": {**found, **cluster.templates}}) if found else cluster


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
        built = Path(__file__).resolve().parent.parent / "ui" / "dist"
        return Path(self._environ.get("HOSTLER_UI_DIR") or built)

    def _address(self, name: str, default: str) -> tuple[str, int]:
        text = self._environ.get(name, default)
        host, _, port = text.rpartition(":")
        if not host or not port.isascii() or not port.isdigit() or not 0 < int(port) < 65536:
            raise SettingsError(f"{name}={text!r} is not host:port, such as 127.0.0.1:8000")
        return host.strip("[]"), int(port)


def load(path: Path) -> Config:
    """Read and check a hostler.toml; relative file names in it are relative to its folder.

    Raises:
        SettingsError: naming the file and the setting.
    """
    try:
        raw = tomllib.loads(path.read_text())
    except OSError as error:
        raise SettingsError(f"HOSTLER_CONFIG={path}: {error.strerror}") from error
    except tomllib.TOMLDecodeError as error:
        raise SettingsError(f"{path}: {error}") from error
    try:
        return Config.model_validate(_absolute(raw, path.parent))
    except ValidationError as error:
        first = error.errors()[0]
        where = ".".join(str(part) for part in first["loc"]) or "the file"
        raise SettingsError(f"{path}: {where}: {first['msg'].removeprefix('Value error, ')}") from error


def _absolute(raw: Any, folder: Path) -> Any:
    """File settings made absolute: every key that ends in `_file`, a `folder`, and a `verify` that is a path."""
    if isinstance(raw, list):
        return [_absolute(item, folder) for item in raw]
    if not isinstance(raw, dict):
        return raw
    return {
        key: str(folder / value) if _is_file(key, value) else _absolute(value, folder) for key, value in raw.items()
    }


def _is_file(key: str, value: Any) -> bool:
    named = key.endswith("_file") or key == "folder" or (key == "verify" and value not in ("system", "none"))
    return isinstance(value, str) and named


def read_secret(path: Path, setting: str) -> bytes:
    """The contents of a secret's file, outer white space removed.

    Raises:
        SettingsError: naming the setting and the file.
    """
    try:
        return path.read_bytes().strip()
    except OSError as error:
        raise SettingsError(f"{setting}: {path}: {error.strerror}") from error
