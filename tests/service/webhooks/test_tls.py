"""Whoever is sent a message has proved to be the server of that name, although it is asked by its address."""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from ipaddress import ip_network
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from cryptography.x509.oid import NameOID

from runtime.settings import Webhooks
from service.webhooks.wire import Wire
from tests.service.webhooks.receiver import Receiver
from tests.service.webhooks.test_reach import answers

NAME = "hooks.example"


def certificate(folder: Path, name: str) -> Path:
    """A certificate that its holder signed, with its key."""
    key, called = ec.generate_private_key(ec.SECP256R1()), x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
    now = datetime.now(UTC)
    made = (
        x509.CertificateBuilder()
        .subject_name(called)
        .issuer_name(called)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(minutes=1))
        .not_valid_after(now + timedelta(hours=1))
        .add_extension(x509.SubjectAlternativeName([x509.DNSName(name)]), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )
    path = folder / f"{name}.pem"
    private = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    path.write_bytes(made.public_bytes(Encoding.PEM) + private)
    return path


@asynccontextmanager
async def listening(receiver: Receiver, path: Path) -> AsyncIterator[str]:
    """A receiver behind TLS; the address under which it is known."""
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.load_cert_chain(path)
    server = await asyncio.start_server(receiver.answer, "127.0.0.1", 0, ssl=context)
    yield f"https://{NAME}:{server.sockets[0].getsockname()[1]}/"
    server.close()


@pytest.mark.parametrize(("holder", "accepted"), [(NAME, True), ("other.example", False)])
async def test_the_certificate_is_that_of_the_name(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, holder: str, accepted: bool
) -> None:
    answers(monkeypatch, ["127.0.0.1"])
    path, receiver = certificate(tmp_path, holder), Receiver()
    monkeypatch.setenv("SSL_CERT_FILE", str(path))
    wire = Wire(Webhooks(allow_networks=[ip_network("127.0.0.0/8")]))
    async with listening(receiver, path) as url:
        outcome = await wire.post(url, {}, "{}")
    await wire.close()
    assert outcome.accepted == accepted
    assert len(receiver.taken) == int(accepted)
    assert accepted or "certificate" in (outcome.error or "")


async def test_a_certificate_that_nobody_vouches_for_is_refused(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    answers(monkeypatch, ["127.0.0.1"])
    wire, receiver = Wire(Webhooks(allow_networks=[ip_network("127.0.0.0/8")])), Receiver()
    async with listening(receiver, certificate(tmp_path, NAME)) as url:
        outcome = await wire.post(url, {}, "{}")
    await wire.close()
    assert receiver.taken == []
    assert "certificate" in (outcome.error or "")
