"""hostler-admin proxmox: make a cluster ready for Hostler (`init`), and look whether it is (`doctor`)."""

from __future__ import annotations

import argparse
import asyncio
import getpass
import json
import os
import sys
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path

from hypervisor.errors import HypervisorError, Unreachable
from hypervisor.setup import access, template
from hypervisor.setup.access import Access
from hypervisor.setup.change import Change, ChangeFailed, carry_out
from hypervisor.setup.checkup import DISTRUST, Check, examine, fingerprint
from hypervisor.setup.client import Client, Password, SecondFactorWanted, Trust
from hypervisor.setup.found import Found, Unsuitable, look
from hypervisor.setup.template import Template
from runtime.settings import Cluster, Settings, SettingsError, read_secret

EXPECTED = (HypervisorError, Unsuitable, ChangeFailed, SecondFactorWanted)
PASSWORD = "HOSTLER_PROXMOX_PASSWORD"
WORDS = {"ok": "OK", "missing": "MISSING", "note": "NOTE"}


def add_arguments(parser: argparse.ArgumentParser, parser_class: type[argparse.ArgumentParser]) -> None:
    """The grammar of both commands."""
    verbs = parser.add_subparsers(dest="verb", required=True, parser_class=parser_class)
    _init_arguments(verbs.add_parser("init", help="make a cluster ready", description=init.__doc__))
    doctor_parser = verbs.add_parser("doctor", help="say what is missing", description=doctor.__doc__)
    doctor_parser.add_argument("--cluster", help="only this one of hostler.toml")
    doctor_parser.add_argument("--json", action="store_true", help="one JSON document")


def _init_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--url", required=True, help="https://host:8006 of a node")
    parser.add_argument("--user", default="root@pam", help="who may do all this (root@pam)")
    parser.add_argument("--password-file", type=Path, help=f"else {PASSWORD}, else asked for on the terminal")
    trust = parser.add_mutually_exclusive_group()
    trust.add_argument("--fingerprint", help="SHA-256 of the node's certificate: `pvenode cert info`")
    trust.add_argument("--ca", type=Path, help="file with the authority that signed it")
    trust.add_argument("--insecure", action="store_true", help="trust any certificate: for trying out only")
    parser.add_argument("--name", default="main", help="what hostler.toml calls the cluster (main)")
    parser.add_argument("--storage", action="append", help="where disks go; again for others that Hostler may use")
    parser.add_argument("--bridge", default="vmbr0")
    parser.add_argument("--pool", default="hostler")
    parser.add_argument("--service-user", default="hostler@pve", metavar="USER@REALM")
    parser.add_argument("--token", default="hostler", help="name of the API token")
    parser.add_argument("--new-secret", action="store_true", help="make the token anew: the old secret stops working")
    parser.add_argument("--secret-file", type=Path, help="where a new secret is written; shown when left out")
    parser.add_argument("--template", metavar="KEY", help="also make a template, such as debian-12")
    image = parser.add_mutually_exclusive_group()
    image.add_argument("--image", help="its cloud image: a file here, or a volume like local:import/x.qcow2")
    image.add_argument("--image-on-node", metavar="PATH", help="its cloud image: a file on the node")
    parser.add_argument("--upload-storage", help="where a file is uploaded to")
    parser.add_argument("--vmid", type=int, default=9000, help="of the template (9000)")
    parser.add_argument("--dry-run", action="store_true", help="only say what would be done")


async def run(asked: argparse.Namespace, settings: Settings) -> int:
    """make a Proxmox cluster ready for Hostler, or look whether it is"""
    return await (init(asked) if asked.verb == "init" else doctor(asked, settings))


async def init(asked: argparse.Namespace) -> int:
    """Make roles, a user, an API token, a pool, grants, and a template from a cloud image; only what is not there."""
    if bool(asked.template) != bool(asked.image or asked.image_on_node):
        raise Unsuitable("--template wants an image (--image or --image-on-node), and an image a --template")
    client = _client(asked)
    try:
        await _log_in(client, asked)
        return await _init(client, asked)
    finally:
        client.close()


def _client(asked: argparse.Namespace) -> Client:
    if asked.password_file:
        password = read_secret(asked.password_file, "--password-file").decode()
    else:
        password = os.environ.get(PASSWORD) or getpass.getpass(f"Password of {asked.user} at {asked.url}: ")
    verify: bool | str = str(asked.ca) if asked.ca else not asked.insecure
    try:
        return Client(asked.url, Trust(verify, asked.fingerprint), Password(asked.user, password))
    except ValueError as error:
        raise Unsuitable(str(error)) from None


async def _log_in(client: Client, asked: argparse.Namespace) -> None:
    try:
        await client.log_in()
    except SecondFactorWanted as error:
        raise Unsuitable(f"{error}: log in with --user as an administrator without one") from None
    except Unreachable as error:
        if not DISTRUST.search(str(error)):
            raise
        known = await asyncio.to_thread(fingerprint, client.url)
        raise Unsuitable(
            f"the certificate of {client.url} is not trusted. Its fingerprint is {known}: "
            "if `pvenode cert info` shows the same on the node, give it with --fingerprint"
        ) from None


async def _init(client: Client, asked: argparse.Namespace) -> int:
    found = await look(client, asked.service_user)
    print(f"{client.url} is node {found.node}, Proxmox VE {found.version}")
    rights = _rights(found, asked)
    access.check(found, rights)
    changes = access.changes(found, rights)
    image = _template(asked, rights)
    if image:
        changes += template.changes(found, image, await template.survey(client, found, image))
    for line in access.notes(found, rights):
        print(f"note: {line}")
    _check_secret_file(asked, changes)
    if not changes:
        print("nothing to do: the cluster is as Hostler needs it")
    elif asked.dry_run:
        print("\n".join(f"would {change.words}" for change in changes))
    else:
        await carry_out(client, changes, lambda change, secret: _done(asked, rights, change, secret))
    if not asked.dry_run:
        print(_epilogue(client, asked, rights, found))
    return 0


def _rights(found: Found, asked: argparse.Namespace) -> Access:
    storages = asked.storage or [
        name for name, row in found.storages.items() if "images" in str(row.get("content", "")).split(",")
    ]
    if not asked.storage and len(storages) != 1:
        known = ", ".join(sorted(storages)) or "none takes disk images"
        raise Unsuitable(f"name the storage for disks with --storage; there are: {known}")
    return Access(
        storages=list(dict.fromkeys(storages)),
        bridge=asked.bridge,
        pool=asked.pool or None,
        user=asked.service_user,
        token=asked.token,
        new_secret=asked.new_secret,
    )


def _template(asked: argparse.Namespace, rights: Access) -> Template | None:
    if not asked.template:
        return None
    return Template(
        key=asked.template,
        vmid=asked.vmid,
        image=asked.image or asked.image_on_node,
        storage=rights.storages[0],
        bridge=rights.bridge,
        pool=rights.pool,
        on_node=bool(asked.image_on_node),
        upload_storage=asked.upload_storage,
    )


def _check_secret_file(asked: argparse.Namespace, changes: Sequence[Change]) -> None:
    """A secret is shown only once, so that the place for it is looked at before it is made."""
    file: Path | None = asked.secret_file
    if file is None or not any(change.secret for change in changes):
        return
    if file.exists() and not asked.new_secret:
        raise Unsuitable(f"{file} exists already: name another --secret-file")
    if not os.access(file if file.exists() else file.absolute().parent, os.W_OK):
        raise Unsuitable(f"{file} cannot be written")


def _done(asked: argparse.Namespace, rights: Access, change: Change, secret: str | None) -> None:
    print(f"done: {change.words}", flush=True)
    if secret is None:
        return
    if asked.secret_file:
        try:
            _write(asked.secret_file, secret)
        except OSError as error:
            print(f"{asked.secret_file}: {error.strerror}", file=sys.stderr)
        else:
            print(f"      its secret is in {asked.secret_file}", flush=True)
            return
    print(f"      its secret, shown only now: {secret}", flush=True)


def _write(file: Path, secret: str) -> None:
    with os.fdopen(os.open(file, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w") as stream:
        stream.write(secret + "\n")


def _epilogue(client: Client, asked: argparse.Namespace, rights: Access, found: Found) -> str:
    trust = {"verify": str(asked.ca)} if asked.ca else {"verify": "none"} if asked.insecure else {}
    trust = {"fingerprint": asked.fingerprint} if asked.fingerprint else trust
    secret_file = str(asked.secret_file.absolute()) if asked.secret_file else f"{asked.name}.token"
    texts = {"name": asked.name, "token_id": rights.token_id, "token_secret_file": secret_file, **trust}
    texts |= {"storage": rights.storages[0], "bridge": rights.bridge}
    lines = ["", "For hostler.toml:", "", "[[cluster]]", f"endpoints = [{json.dumps(client.url)}]"]
    lines += [f"{key} = {json.dumps(value)}" for key, value in texts.items()]
    lines += ["vmid_first = 10000000  # keep this range for Hostler", "vmid_last = 99999999"]
    lines += [f"templates = {{ {json.dumps(asked.template)} = {asked.vmid} }}" if asked.template else "templates = {}"]
    return "\n".join([*lines, "", "Left to do:", *_left(asked, secret_file, found)])


def _left(asked: argparse.Namespace, secret_file: str, found: Found) -> list[str]:
    lines = [] if asked.secret_file else [f"- put the token's secret into {secret_file}, readable for Hostler alone"]
    lines += ["- put this into hostler.toml"]
    if others := [f"{name} ({address})" for name, address in found.addresses.items() if name != found.node]:
        one = "; a fingerprint fits one node only, so name the authority with verify" if asked.fingerprint else ""
        lines += [f"- add to the endpoints, for when {found.node} is away: {', '.join(others)}{one}"]
    lines += [] if asked.template else ["- make a template: --template debian-12 --image FILE"]
    return [*lines, "- hostler-admin proxmox doctor"]


async def doctor(asked: argparse.Namespace, settings: Settings) -> int:
    """Look at the clusters of hostler.toml: 0 when all that is needed is there, 1 when something is missing."""
    clusters = [cluster for cluster in settings.config.cluster if asked.cluster in (None, cluster.name)]
    if not clusters:
        raise SettingsError(f"hostler.toml has no cluster {asked.cluster or 'at all'}")
    seen = []
    for cluster in clusters:
        async for check in examine(cluster):
            seen.append((cluster, check))
            if not asked.json:
                print(_line(cluster, check), flush=True)
    if asked.json:
        print(json.dumps([{"cluster": cluster.name} | asdict(check) for cluster, check in seen], indent=2))
    return int(any(check.verdict == "missing" for _, check in seen))


def _line(cluster: Cluster, check: Check) -> str:
    detail = f": {check.detail}" if check.detail else ""
    mend = f". To mend: {check.mend}" if check.mend else ""
    return f"{WORDS[check.verdict]:8}{cluster.name}: {check.name}{detail}{mend}"
