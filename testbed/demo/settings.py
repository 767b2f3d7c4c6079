"""What the demo's programs are started with: hostler.toml, the secrets it names by file, and the environment."""

from __future__ import annotations

import base64
import hashlib
import secrets
import ssl
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from testbed.demo.place import Place, write_private

TEMPLATE = """\
# Made anew at every start of the demo.

[auth]
signing_key_file = "{signing_key}"
secret_key_file = "{secret_key}"
insecure_cookie = true  # plain HTTP on loopback

[mail]
sender = "Hostler <hostler@example.com>"
link_base = "{url}"
folder = "{mail}"

[limits]
requests_per_minute = 600000

[policy]
undo_window = 30
shutdown_timeout = 20
observe_every = 2
address_quarantine = 30

[[cluster]]
name = "demo"
endpoints = ["{endpoint}"]
token_id = "{token_id}"
token_secret_file = "{token_secret}"
fingerprint = "{fingerprint}"
storage = "local"
backup_storage = "local"
snippets = {{ storage = "{snippets[storage]}", folder = "{snippets[path]}" }}
bridge = "vmbr0"
vmid_first = 10000000
templates = {{ "debian-12" = 9000, "ubuntu-24.04" = 9001 }}

[[location]]
key = "fra1"
name = "Frankfurt"
cluster = "demo"

[[pool]]
name = "fra1-v4"
location = "fra1"
network = "10.99.0.0/24"
gateway = "10.99.0.1"
first = "10.99.0.100"
last = "10.99.0.250"

[[image]]
key = "debian-12"
name = "Debian 12"
template = "debian-12"
min_disk_gib = 2

[[image]]
key = "ubuntu-24.04"
name = "Ubuntu 24.04"
template = "ubuntu-24.04"
min_disk_gib = 2

[[plan]]
key = "vps-s"
name = "VPS S"
vcpus = 1
memory_mib = 1024
disk_gib = 10

[[plan]]
key = "vps-m"
name = "VPS M"
vcpus = 2
memory_mib = 2048
disk_gib = 20

[[plan]]
key = "vps-l"
name = "VPS L"
vcpus = 4
memory_mib = 4096
disk_gib = 40
"""


def write_config(place: Place, proxmox: dict[str, Any], url: str) -> Path:
    """Write hostler.toml for the Proxmox that announced itself so and a dashboard at `url`.

    Secrets lie beside it, each in a file; letters become files in a folder.
    """
    signing_key, secret_key = place.secrets / "signing_key.pem", place.secrets / "secret_key"
    token_secret = place.secrets / "proxmox_token"
    if not signing_key.exists():
        write_private(signing_key, _signing_key())
    if not secret_key.exists():
        write_private(secret_key, base64.b64encode(secrets.token_bytes(32)).decode())
    write_private(token_secret, str(proxmox["token_secret"]))
    path = place.config / "hostler.toml"
    content = TEMPLATE.format(
        signing_key=signing_key,
        secret_key=secret_key,
        token_secret=token_secret,
        url=url,
        mail=place.root / "mail",
        endpoint=proxmox["url"],
        token_id=proxmox["token_id"],
        snippets=proxmox["snippets"],
        fingerprint=_fingerprint(str(proxmox["url"])),
    )
    write_private(path, content)
    return path


def admin_password(place: Place) -> Path:
    """The file with the administrator's password, made once."""
    path = place.secrets / "admin_password"
    if not path.exists():
        write_private(path, secrets.token_urlsafe(12))
    return path


def _signing_key() -> str:
    pem, pkcs8 = serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8
    return Ed25519PrivateKey.generate().private_bytes(pem, pkcs8, serialization.NoEncryption()).decode()


def _fingerprint(url: str) -> str:
    parts = urlsplit(url)
    pem = ssl.get_server_certificate((parts.hostname or "", parts.port or 443), timeout=10)
    digest = hashlib.sha256(ssl.PEM_cert_to_DER_cert(pem)).hexdigest()
    return ":".join(digest[i : i + 2] for i in range(0, len(digest), 2)).upper()
