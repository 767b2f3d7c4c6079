"""Whether what staff want to offer can be offered: what it names is there, and nothing else has its name."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from typing import Any

from starlette.requests import Request

from hypervisor.errors import HypervisorError
from hypervisor.port import GuestRow
from service.deps import deps
from service.web.problems import Problem, invalid


async def check_plan(req: Request, plain: dict[str, Any]) -> dict[str, Any]:
    """A plan as it is to be declared."""
    return plain


async def check_image(req: Request, plain: dict[str, Any]) -> dict[str, Any]:
    """An image as it is to be declared: its own templates go by its key.

    Raises:
        Problem: its templates are not there, or others have its key; a cluster that would know does not answer.
    """
    clusters = deps(req).config.cluster
    named = {key for cluster in clusters for key in cluster.templates}
    own = bool(plain["templates"])
    if own == bool(plain["template"]):
        raise invalid("/templates", "Say either a template key of the settings, or templates of its own.")
    if own and plain["key"] in named:
        raise invalid("/key", "The settings name templates under this key: take these, or choose another key.")
    if not own and plain["template"] not in named:
        raise invalid("/template", "No cluster of the settings has templates under this key.", "unknown")
    if own:
        await _check_templates(req, plain["templates"])
    else:
        _check_user(req, plain)
    return plain | {"template": plain["key"] if own else plain["template"], "user": plain["user"] or None}


def _check_user(req: Request, plain: dict[str, Any]) -> None:
    """Images of one template are for one user: the one that the settings say first."""
    first = next((image for image in deps(req).config.image if image.template == plain["template"]), None)
    if first is not None and (plain["user"] or None) not in (None, first.user):
        said = first.user or "whom the image itself has"
        raise invalid("/default_user", f"The settings say of this template that its user is {said}.")


async def _check_templates(req: Request, templates: Sequence[dict[str, Any]]) -> None:
    where = [(place["cluster"], place["node"]) for place in templates]
    whole = {cluster for cluster, node in where if node is None}
    for number, (cluster, node) in enumerate(where):
        if deps(req).config.known_cluster(cluster) is None:
            raise invalid(f"/templates/{number}/cluster", "The settings have no such cluster.", "unknown")
        if Counter(where)[cluster, node] > 1 or (node is not None and cluster in whole):
            raise invalid(f"/templates/{number}", "Name one template for the whole cluster, or one for each node.")
    seen = {cluster: await _guests(req, cluster) for cluster in dict.fromkeys(cluster for cluster, _ in where)}
    for number, place in enumerate(templates):
        _check_template(req, f"/templates/{number}", place, seen[place["cluster"]])


async def _guests(req: Request, cluster: str) -> dict[int, GuestRow]:
    try:
        return {row.vmid: row for row in await deps(req).clusters[cluster].guests()}
    except HypervisorError:
        detail = f"{cluster} does not answer, so nobody can say whether the templates are there: nothing was changed."
        raise Problem("hypervisor_unreachable", detail, headers={"Retry-After": "5"}) from None


def _check_template(req: Request, pointer: str, place: dict[str, Any], there: dict[int, GuestRow]) -> None:
    cluster, vmid = deps(req).config.cluster_named(place["cluster"]), place["vmid"]
    row = there.get(vmid)
    if cluster.vmid_first <= vmid <= cluster.vmid_last:
        raise invalid(f"{pointer}/vmid", f"Numbers of {cluster.name} from {cluster.vmid_first} on are for servers.")
    if row is None or not row.template:
        raise invalid(f"{pointer}/vmid", f"VMID {vmid} is no template of {cluster.name}.", "unknown")
    if place["node"] not in (None, row.node):
        raise invalid(f"{pointer}/node", f"The template with VMID {vmid} is on {row.node}.")


async def check_location(req: Request, plain: dict[str, Any]) -> dict[str, Any]:
    """A location as it is to be declared.

    Raises:
        Problem: the settings do not know its clusters or pools, or have a location of this key.
    """
    config = deps(req).config
    if plain["key"] in {place.key for place in config.location}:
        raise invalid("/key", "The settings have a location of this key: choose another.", "already_exists")
    for number, name in enumerate(plain["clusters"]):
        if config.known_cluster(name) is None:
            raise invalid(f"/clusters/{number}", "The settings have no such cluster.", "unknown")
    pools = {pool.name: pool for pool in config.pool}
    for number, name in enumerate(plain["pools"]):
        if name not in pools:
            raise invalid(f"/pools/{number}", "The settings have no such pool.", "unknown")
        if pools[name].cluster not in (None, *plain["clusters"]):
            message = f"This pool is only for {pools[name].cluster}, which is not one of the clusters."
            raise invalid(f"/pools/{number}", message)
    return plain | {name: list(dict.fromkeys(plain[name])) for name in ("clusters", "pools")}
