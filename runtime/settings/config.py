"""The whole of hostler.toml, read and checked."""

from __future__ import annotations

import tomllib
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from pydantic import ValidationError, model_validator

from runtime.settings.doors import Auth, Limits, Mail, Oidc, Webhooks
from runtime.settings.offers import Image, Location, Plan, only, with_templates
from runtime.settings.policy import Policy
from runtime.settings.pools import Pool
from runtime.settings.proxmox import Cluster
from runtime.settings.section import Section, SettingsError


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
                "image": [*self.image, *(Image(**only(Image, plain)) for plain in images)],
                "location": [*self.location, *(place for place in places if place.key not in known)],
                "cluster": [with_templates(cluster, images) for cluster in self.cluster],
            }
        )

    def _place(self, plain: Mapping[str, Any]) -> Location:
        clusters = [name for name in plain["clusters"] if self.known_cluster(name) is not None]
        return Location.model_construct(**only(Location, plain) | {"clusters": clusters})


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
