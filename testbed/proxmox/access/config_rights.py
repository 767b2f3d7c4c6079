"""Who may set which option of a VM, and to what (qemu-server API2/Qemu.pm check_vm_modify_config_perm and its like)."""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from testbed.proxmox import formats
from testbed.proxmox.access import device_rights
from testbed.proxmox.access.access import Access, Identity
from testbed.proxmox.errors import Die, denied, parameter_errors
from testbed.proxmox.formats import split_list
from testbed.proxmox.vm import drive_formats
from testbed.proxmox.vm.devices import HOSTPCI
from testbed.proxmox.vm.options import MEMORY_9, PRIVILEGES, RESIZABLE
from testbed.proxmox.vm.vms import drives, is_cdrom

CLOUD_INIT = ("VM.Config.Cloudinit", "VM.Config.Network")
ALLOCATE = "Datastore.AllocateSpace"
#: Their right depends on the value.
BY_VALUE = re.compile(r"(unused|serial|usb|hostpci|virtiofs)\d+|tags|cdrom")
_NEW_DISK = re.compile(r"([^/:\s]+):(\d+(\.\d+)?)")
_OWNER = re.compile(r"(?:vm|base|subvol|basevol)-(\d+)-|vzdump-(?:qemu|lxc)-(\d+)-")
_READABLE = ("iso", "vztmpl", "import")
_KINDS = (*_READABLE, "backup", "snippets")


@dataclass(frozen=True, slots=True)
class ConfigRights:
    """What one caller may do to one VM's configuration; a new VM may get its rights from the pool it will be in.

    Every check raises `ApiError`; root may do everything.
    """

    access: Access
    who: Identity
    vmid: int
    pool: str | None = None

    def privilege(self, *names: str) -> None:
        """All of the privileges at the VM."""
        self.access.check_vm(self.who, self.vmid, self.pool, *names)

    def options(self, names: Iterable[str]) -> None:
        """To set or delete options, as far as it does not depend on their values."""
        for name in () if self.who.root else names:
            if name not in RESIZABLE and not BY_VALUE.fullmatch(name):
                self._option(name)

    def _option(self, name: str) -> None:
        privilege = PRIVILEGES.get(name)
        if name in MEMORY_9 and not self.access.release.old:
            privilege = "VM.Config.Memory"
        if name == "vmstate":
            self.privilege("VM.Config.Disk", "VM.PowerMgmt")
        elif privilege is None:
            raise Die(f"only root can set '{name}' config")
        elif privilege in CLOUD_INIT[:1]:
            self.access.check_vm_any(self.who, self.vmid, self.pool, *CLOUD_INIT)
        else:
            self.privilege(privilege)
        if name == "startup":
            self.access.check(self.who, "/", "Sys.Modify")

    def devices(self, options: Mapping[str, str]) -> None:
        """To give a new VM its devices."""
        for name, value in options.items():
            if device_rights.kind(name):
                self.device(name, value)

    def device(self, name: str, value: str, verb: str = "set") -> None:
        """To add, change or take away a device; those of the machine are root's unless they are mapped."""
        if self.who.root:
            return
        kind = device_rights.kind(name)
        if kind == "serial" and value != "socket":
            raise Die(f"only root can {verb} '{name}' config for real devices")
        self.privilege("VM.Config.Disk" if kind == "virtiofs" else "VM.Config.HWType")
        self.mappings({name: value})
        if kind == "hostpci" and "romfile" in HOSTPCI.parse(value):
            raise parameter_errors({name: "only root@pam can set 'romfile' option"})

    def mappings(self, options: Mapping[str, str]) -> None:
        """To use what the machine lends its guests."""
        for name, value in options.items():
            device_rights.check_mapping(self.access, self.who, name, value)

    def bridges(self, options: Mapping[str, str]) -> None:
        """To use the bridges and VLANs of network cards."""
        for name in sorted(options):
            if re.fullmatch(r"net\d+", name) and not self.who.root:
                self._card(formats.NET.parse(options[name]))

    def _card(self, card: Mapping[str, str]) -> None:
        tags = [card["tag"]] if "tag" in card else []
        tags += sorted(str(tag) for tag in _trunk(card.get("trunks", "")))
        if "bridge" not in card and not self.access.release.old:
            return
        path = f"/sdn/zones/localnetwork/{card.get('bridge', '')}"
        for place in [f"{path}/{tag}" for tag in tags] or [path]:
            self.access.check(self.who, place, "SDN.Use")

    def cpu(self, new: str | None, old: str | None = None) -> None:
        """To use a CPU model that the cluster's administrators made."""
        model, before = _cpu_model(new), _cpu_model(old)
        if not model.startswith("custom-") or model == before:
            return
        if self.access.release.old:
            self.access.check(self.who, "/nodes", "Sys.Audit")
        else:
            self.access.check(self.who, f"/mapping/cpu/{model.removeprefix('custom-')}", "Mapping.Use")

    def storages(self, options: Mapping[str, str]) -> None:
        """To use the storages and volumes that drives name."""
        for name, drive in drives(options):
            self._drive_source(name, drive, is_cdrom(options[name]))
        for name, value in options.items():
            if name.startswith("unused"):
                self.volume(value, "images")
        if "vmstatestorage" in options:
            self.access.check(self.who, f"/storage/{options['vmstatestorage']}", ALLOCATE)

    def _drive_source(self, name: str, drive: Mapping[str, str], cdrom: bool) -> None:
        file = drive["file"]
        new = _NEW_DISK.fullmatch(file)
        if cdrom and file == "cdrom":
            self.access.check(self.who, "/", "Sys.Console")
        elif new and not cdrom:
            self.access.check(self.who, f"/storage/{new[1]}", ALLOCATE)
        elif file != "none" and not file.endswith("cloudinit"):
            self.volume(file)
            storage, kind, _ = _volume(file)
            if storage is not None and kind not in ("images", "iso"):
                raise parameter_errors({name: "content type needs to be 'images' or 'iso'"})
        if "import-from" in drive:
            self._import(drive["import-from"])

    def _import(self, source: str) -> None:
        _, _, owner = _volume(source)
        if owner is not None:
            self.access.check(self.who, f"/vms/{owner}", "VM.Clone")
        else:
            self.volume(source)

    def volume(self, volid: str, kind: str | None = None) -> None:
        """To use an existing volume (pve-storage Storage.pm check_volume_access)."""
        storage, found, owner = _volume(volid)
        if storage is None:
            if not self.who.root:
                raise Die("Only root can pass arbitrary filesystem paths. at /usr/share/perl5/PVE/Storage.pm line 599.")
            return
        if kind is not None and found != kind:
            raise Die(f"unable to use volume {volid} - content type needs to be '{kind}'")
        if not self.access.may(self.who, f"/storage/{storage}", "Datastore.Allocate"):
            self._volume_of(volid, storage, found, owner)

    def _volume_of(self, volid: str, storage: str, kind: str, owner: int | None) -> None:
        place = f"/storage/{storage}"
        if kind in _READABLE:
            self.access.check_any(self.who, place, ALLOCATE, "Datastore.Audit")
        elif owner == self.vmid:
            return
        elif kind == "backup" and owner is not None:
            self.access.check(self.who, place, ALLOCATE)
            self.access.check(self.who, f"/vms/{owner}", "VM.Backup")
        elif kind == "images" and owner is not None:
            self.access.check(self.who, place, "Datastore.Audit")
            self.access.check(self.who, f"/vms/{owner}", "VM.Config.Disk")
        else:
            raise Die(f"missing privileges to access {volid}")

    def drive(self, value: str) -> None:
        """To add, change or take away a drive."""
        if "cloudinit" in drive_formats.DRIVE.parse(value)["file"]:
            self.privilege("VM.Config.Cloudinit", "VM.Config.CDROM")
        else:
            self.privilege("VM.Config.CDROM" if is_cdrom(value) else "VM.Config.Disk")

    def change(self, old: Mapping[str, str], new: Mapping[str, str]) -> None:
        """To set options to new values where a VM has old ones."""
        for name, value in new.items():
            if name in RESIZABLE:
                self._change_drive(old.get(name), value)
            elif device_rights.kind(name):
                self._change_device(name, old.get(name), value)
            elif re.fullmatch(r"net\d+", name) and name in old:
                self.bridges({name: old[name]})

    def _change_drive(self, old: str | None, new: str) -> None:
        for value in (old, new):
            if value:
                self.drive(value)

    def _change_device(self, name: str, old: str | None, new: str) -> None:
        for value in (old, new):
            if value is not None:
                self.device(name, value, "modify")

    def delete(self, name: str, value: str, force: bool = False) -> None:
        """To delete an option that has a value, with `force` the disk too."""
        if name in RESIZABLE:
            self.drive(value)
            if force and not is_cdrom(value):
                self.access.check(self.who, f"/storage/{value.partition(':')[0]}", ALLOCATE)
        elif name.startswith("unused"):
            self.privilege("VM.Config.Disk")
            self.access.check(self.who, f"/storage/{value.partition(':')[0]}", ALLOCATE)
        elif device_rights.kind(name):
            self.device(name, value, "delete")
        elif re.fullmatch(r"net\d+", name):
            self.bridges({name: value})

    def tags(self, old: str, new: str, settings: Mapping[str, str], used: Iterable[str]) -> None:
        """To change tags (pve-guest-common GuestHelpers.pm assert_tag_permissions).

        `settings` are those of the datacenter, `used` the tags of all VMs that the caller sees.
        """
        self.privilege("VM.Config.Options")
        if self.access.may(self.who, "/", "Sys.Modify"):
            return
        policy = dict(part.partition("=")[::2] for part in settings.get("user-tag-access", "").split(","))
        allow = policy.get("user-allow", "free")
        registered = set(split_list(settings.get("registered-tags", "")))
        allowed = set(split_list(policy.get("user-allow-list", ""))) if allow != "none" else set()
        allowed |= set(used) if allow in ("free", "existing") else set()
        for tag in set(split_list(old)) ^ set(split_list(new)):
            if tag in registered or (allow != "free" and tag not in allowed):
                raise denied(f"/, Sys.Modify for modifying tag '{tag}'")


def _trunk(text: str) -> set[int]:
    found: set[int] = set()
    for part in split_list(text):
        first, _, last = part.partition("-")
        found |= set(range(int(first), int(last or first) + 1))
    return found


def _cpu_model(text: str | None) -> str:
    parts: dict[str, str] = {}
    for part in (text or "").split(","):
        key, separator, value = part.partition("=")
        parts[key if separator else "cputype"] = value if separator else key
    return parts.get("cputype", "")


def _volume(volid: str) -> tuple[str | None, str, int | None]:
    """The storage, the kind of content and the owner that a volume's id names."""
    storage, separator, name = volid.partition(":")
    if not separator or "/" in storage:
        return None, "", None
    kind = name.split("/")[0] if name.split("/")[0] in _KINDS else "images"
    owner = _OWNER.search(name.rsplit("/", 1)[-1])
    return storage, kind, int(owner[1] or owner[2]) if owner else None
