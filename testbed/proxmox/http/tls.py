"""The self-signed certificate of a fresh installation."""

import datetime
import ipaddress
import ssl
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID


def certificate(directory: Path, node: str) -> tuple[ssl.SSLContext, str]:
    """The server's TLS context and the certificate's SHA-256 fingerprint; made once per state directory."""
    path = directory / "pve-ssl.pem"
    if not path.exists():
        partial = path.with_suffix(".new")
        partial.touch(mode=0o600)
        partial.write_bytes(_generate(node))
        partial.rename(path)
    return server_context(directory), _fingerprint(path.read_bytes())


def server_context(directory: Path) -> ssl.SSLContext:
    """What a port with the certificate in `directory` is served with."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(directory / "pve-ssl.pem")
    return context


def public_part(directory: Path) -> str:
    """The certificate without its key, as PEM."""
    found = x509.load_pem_x509_certificate((directory / "pve-ssl.pem").read_bytes())
    return found.public_bytes(serialization.Encoding.PEM).decode()


def _generate(node: str) -> bytes:
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, node)])
    now = datetime.datetime.now(datetime.UTC)
    names = [x509.DNSName(node), x509.DNSName("localhost"), x509.IPAddress(ipaddress.ip_address("127.0.0.1"))]
    signed = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - datetime.timedelta(days=1))
        .not_valid_after(now + datetime.timedelta(days=730))
        .add_extension(x509.SubjectAlternativeName(names), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )
    pem, pkcs8 = serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8
    return key.private_bytes(pem, pkcs8, serialization.NoEncryption()) + signed.public_bytes(pem)


def _fingerprint(pem: bytes) -> str:
    digest = x509.load_pem_x509_certificate(pem).fingerprint(hashes.SHA256())
    return ":".join(f"{byte:02X}" for byte in digest)
