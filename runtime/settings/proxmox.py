"""The Proxmox clusters, and how Hostler may use them."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from runtime.settings.section import FilePath, Section, read_secret


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
