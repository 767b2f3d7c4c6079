"""What differs between the releases of Proxmox VE that the testbed can be."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final

from testbed.proxmox.access.privileges import built_in_roles, valid
from testbed.proxmox.schema import Pve

DEFAULT: Final[Pve] = "8"
_VERSIONS: dict[Pve, dict[str, str]] = {
    "8": {"version": "8.4.21", "release": "8.4", "repoid": "2606ac850d46da29"},
    "9": {"version": "9.1.1", "release": "9.1", "repoid": "42db4a6cf33dac83"},
}
_AGENT_8 = ("VM.Monitor",)


@dataclass(frozen=True)
class Release:
    """One release: its name, its privileges and its built-in roles."""

    pve: Pve
    version: Mapping[str, str] = field(init=False)
    privileges: frozenset[str] = field(init=False)
    roles: Mapping[str, frozenset[str]] = field(init=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "version", _VERSIONS[self.pve])
        object.__setattr__(self, "privileges", valid(self.pve))
        object.__setattr__(self, "roles", built_in_roles(self.pve))

    @property
    def old(self) -> bool:
        """Whether this is 8."""
        return self.pve == "8"

    def agent(self, *names: str) -> tuple[str, ...]:
        """The privileges of which one opens a call of the guest agent; `names` are those of 9 short of their prefix.

        Without a name only `Unrestricted` does. In 8 one privilege opens all of them.
        """
        if self.old:
            return _AGENT_8
        return (*(f"VM.GuestAgent.{name}" for name in names), "VM.GuestAgent.Unrestricted")


RELEASES: dict[Pve, Release] = {"8": Release("8"), "9": Release("9")}
