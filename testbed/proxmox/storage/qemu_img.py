"""The command line that copies a volume, as the texts of failed copies show it (qemu-server QemuServer.pm)."""

from typing import TYPE_CHECKING

from testbed.proxmox.storage.storage import Volume

if TYPE_CHECKING:
    from testbed.proxmox.cluster.node import Node

#: Storages whose new volumes may hold old data.
NOT_ZEROED = ("lvm",)


def convert(node: "Node", source: Volume, target: Volume, limit: int) -> str:
    """The command that copies `source` into `target`, at most at `limit` KiB/s if that is not 0."""
    rate = f" -r {limit}K" if limit else ""
    zeroed = "" if node.cluster.storages.load(target.storage).type in NOT_ZEROED else "zeroinit:"
    formats = f"-f {source.format} -O {target.format}"
    paths = f"{node.volumes.path(source)} {zeroed}{node.volumes.path(target)}"
    return f"/usr/bin/qemu-img convert -p -n{rate} {formats} {paths}"


def failed(command: str, how: str) -> str:
    """What a task says of a copy that went wrong."""
    return f"copy failed: command '{command}' failed: {how}"
