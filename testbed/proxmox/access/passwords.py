"""Which passwords can be set (pve-access-control Auth/PVE.pm, Auth/PAM.pm)."""

from testbed.proxmox.access.access import REALMS
from testbed.proxmox.access.identities import ROOT, split_user
from testbed.proxmox.errors import Die


def storable(user: str, password: str) -> str:
    """A user's new password as it is kept, which is as it came; raises `Die`.

    In the realm pam the machine's own users have theirs, and only root is one.
    """
    name, realm = split_user(user)
    if realm not in REALMS:
        raise Die(f"auth domain '{realm}' does not exist")
    if realm == "pam" and user != ROOT:
        raise Die(f"change password failed: user '{name}' does not exist")
    return password
