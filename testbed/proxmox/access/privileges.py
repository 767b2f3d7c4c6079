"""Privileges and the roles made of them, by release (pve-access-control AccessControl.pm create_roles)."""

from dataclasses import dataclass

from testbed.proxmox.schema import Pve


@dataclass(frozen=True, slots=True)
class Section:
    """The privileges of one area, by who is meant to have them."""

    root: tuple[str, ...] = ()
    admin: tuple[str, ...] = ()
    user: tuple[str, ...] = ()
    audit: tuple[str, ...] = ()

    @property
    def all(self) -> frozenset[str]:
        return frozenset((*self.root, *self.admin, *self.user, *self.audit))


_VM_ADMIN = (
    *("VM.Config.Disk", "VM.Config.CPU", "VM.Config.Memory", "VM.Config.Network", "VM.Config.HWType"),
    *("VM.Config.Options", "VM.Allocate", "VM.Clone", "VM.Migrate", "VM.Snapshot", "VM.Snapshot.Rollback"),
)
_VM_USER = ("VM.Config.CDROM", "VM.Config.Cloudinit", "VM.Console", "VM.Backup", "VM.PowerMgmt")
_AGENT_FILES = ("VM.GuestAgent.FileRead", "VM.GuestAgent.FileSystemMgmt", "VM.GuestAgent.FileWrite")
_VM: dict[Pve, Section] = {
    "8": Section(admin=(*_VM_ADMIN, "VM.Monitor"), user=_VM_USER, audit=("VM.Audit",)),
    "9": Section(
        admin=(*_VM_ADMIN, "VM.GuestAgent.Unrestricted", "VM.Replicate"),
        user=(*_VM_USER, *_AGENT_FILES),
        audit=("VM.Audit", "VM.GuestAgent.Audit"),
    ),
}
_OTHER = {
    "Sys": Section(
        root=("Sys.PowerMgmt", "Sys.Modify", "Sys.Incoming", "Sys.AccessNetwork"),
        admin=("Sys.Console", "Sys.Syslog"),
        audit=("Sys.Audit",),
    ),
    "Datastore": Section(
        admin=("Datastore.Allocate", "Datastore.AllocateTemplate"),
        user=("Datastore.AllocateSpace",),
        audit=("Datastore.Audit",),
    ),
    "SDN": Section(admin=("SDN.Allocate", "SDN.Audit"), user=("SDN.Use",), audit=("SDN.Audit",)),
    "User": Section(root=("Realm.Allocate",), admin=("User.Modify", "Group.Allocate", "Realm.AllocateUser")),
    "Pool": Section(admin=("Pool.Allocate",), user=("Pool.Audit",), audit=("Pool.Audit",)),
    "Mapping": Section(admin=("Mapping.Modify",), user=("Mapping.Use",), audit=("Mapping.Audit",)),
}
#: In no section: only administrators have it.
PERMISSIONS_MODIFY = "Permissions.Modify"


def _sections(pve: Pve) -> dict[str, Section]:
    return {"VM": _VM[pve], **_OTHER}


def valid(pve: Pve) -> frozenset[str]:
    """Every privilege of a release."""
    return frozenset({PERMISSIONS_MODIFY}).union(*(section.all for section in _sections(pve).values()))


def built_in_roles(pve: Pve) -> dict[str, frozenset[str]]:
    """The roles of a release that cannot be changed, with their privileges."""
    roles: dict[str, frozenset[str]] = {"NoAccess": frozenset(), "Administrator": valid(pve)}
    everyday, audits = set[str](), set[str]()
    for name, section in _sections(pve).items():
        admin = frozenset((*section.admin, *section.user, *section.audit))
        roles[f"PVE{name}Admin"] = admin
        if section.user:
            roles[f"PVE{name}User"] = frozenset((*section.user, *section.audit))
        everyday |= admin
        audits |= set(section.audit)
    roles["PVEAdmin"] = frozenset(everyday - {"Mapping.Modify"})
    roles["PVEAuditor"] = frozenset(audits)
    roles["PVETemplateUser"] = frozenset(("VM.Audit", "VM.Clone"))
    return roles
