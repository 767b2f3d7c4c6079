"""An HTTPS server that says what it is told to, one line of script per request, and remembers what it heard."""

from __future__ import annotations

import datetime as dt
import hashlib
import ipaddress
import json
import socket
import ssl
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import parse_qsl

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

CLOSE = b""
CUT = b"cut short: "  # before an answer: hang up after it
DATE = "Sun, 22 Nov 2026 17:50:25 GMT"


def answer(data: object = None, *, status: str = "200 OK", body: object = None) -> bytes:
    """An answer as pveproxy frames it; `body` replaces the usual wrapping of `data`, bytes are sent as they are."""
    whole = body if body is not None else {"data": data}
    content = whole if isinstance(whole, bytes) else json.dumps(whole).encode()
    head = f"HTTP/1.1 {status}\r\nDate: {DATE}\r\nContent-Length: {len(content)}\r\nConnection: keep-alive\r\n\r\n"
    return head.encode() + content


@dataclass
class Request:
    method: str
    path: str
    headers: dict[str, str]
    form: dict[str, str]
    connection: int


@dataclass
class Scripted:
    """`url` and `fingerprint` of the server; `script` is consumed from the front, CLOSE hangs up at once."""

    url: str
    fingerprint: str
    authority: Path
    script: list[bytes] = field(default_factory=list)
    heard: list[Request] = field(default_factory=list)


@contextmanager
def scripted(folder: Path) -> Iterator[Scripted]:
    """A running server with a certificate of its own for 127.0.0.1."""
    chain = _certificate(folder)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(chain)
    listener = socket.create_server(("127.0.0.1", 0))
    der = x509.load_pem_x509_certificate(chain.read_bytes()).public_bytes(serialization.Encoding.DER)
    server = Scripted(f"https://127.0.0.1:{listener.getsockname()[1]}", hashlib.sha256(der).hexdigest(), chain)
    thread = threading.Thread(target=_serve, args=(listener, context, server), daemon=True)
    thread.start()
    try:
        yield server
    finally:
        listener.shutdown(socket.SHUT_RDWR)
        listener.close()
        thread.join(5)


def _serve(listener: socket.socket, context: ssl.SSLContext, server: Scripted) -> None:
    number = 0
    while True:
        try:
            raw, _ = listener.accept()
        except OSError:
            return
        number += 1
        threading.Thread(target=_connection, args=(raw, context, server, number), daemon=True).start()


def _connection(raw: socket.socket, context: ssl.SSLContext, server: Scripted, number: int) -> None:
    try:
        with context.wrap_socket(raw, server_side=True) as connection, connection.makefile("rb") as stream:
            while request := _request(stream, number):
                server.heard.append(request)
                said = server.script.pop(0)
                connection.sendall(said.removeprefix(CUT))
                if said == CLOSE or said.startswith(CUT):
                    return
    except OSError:
        return


def _request(stream: object, number: int) -> Request | None:
    line = stream.readline().decode().split()  # type: ignore[attr-defined]
    if not line:
        return None
    headers = {}
    while header := stream.readline().decode().strip():  # type: ignore[attr-defined]
        key, _, value = header.partition(":")
        headers[key.lower()] = value.strip()
    body = stream.read(int(headers.get("content-length", 0))).decode()  # type: ignore[attr-defined]
    return Request(line[0], line[1], headers, dict(parse_qsl(body, keep_blank_values=True)), number)


def _certificate(folder: Path) -> Path:
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "pve1")])
    now = dt.datetime.now(dt.UTC)
    builder = x509.CertificateBuilder(name, name, key.public_key(), x509.random_serial_number())
    builder = builder.not_valid_before(now - dt.timedelta(days=1)).not_valid_after(now + dt.timedelta(days=1))
    address = x509.SubjectAlternativeName([x509.IPAddress(ipaddress.ip_address("127.0.0.1"))])
    builder = builder.add_extension(address, critical=False)
    builder = builder.add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
    certificate = builder.sign(key, hashes.SHA256())
    pem = serialization.Encoding.PEM
    plain = key.private_bytes(pem, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    path = folder / "chain.pem"
    path.write_bytes(plain + certificate.public_bytes(pem))
    return path
