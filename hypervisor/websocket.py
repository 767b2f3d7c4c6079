"""A WebSocket to Proxmox VE, trusted as its other calls are."""

from __future__ import annotations

import hashlib
import ssl
from collections.abc import Mapping

from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed, InvalidStatus, WebSocketException

from hypervisor.errors import Denied, Unreachable

OPEN_SECONDS = 10.0
CLOSE_SECONDS = 2.0
QUEUE = 4  # frames that wait to be read; further ones wait at the other side
FRAME_BYTES = 1024 * 1024


class Socket:
    """A connection, in pieces."""

    def __init__(self, connection: ClientConnection) -> None:
        self._connection = connection

    async def read(self) -> bytes:
        """The next piece; b"" at the end."""
        try:
            piece = await self._connection.recv()
        except ConnectionClosed:
            return b""
        return piece.encode("latin-1") if isinstance(piece, str) else piece

    async def write(self, data: bytes) -> None:
        """Send; what comes after the end is lost."""
        try:
            await self._connection.send(data)
        except ConnectionClosed:
            return

    async def close(self) -> None:
        """Go away."""
        await self._connection.close()


async def opened(url: str, headers: Mapping[str, str], context: ssl.SSLContext, call: str) -> Socket:
    """A connection to `url`.

    Raises:
        Denied: the ticket or the identity is not accepted.
        Unreachable: nobody answered, or not as Proxmox does.
    """
    try:
        connection = await connect(
            url,
            ssl=context,
            additional_headers=headers,
            subprotocols=["binary"],  # type: ignore[list-item]
            compression=None,
            proxy=None,
            open_timeout=OPEN_SECONDS,
            close_timeout=CLOSE_SECONDS,
            ping_interval=None,  # pveproxy relays frames and answers no pings of its own
            max_size=FRAME_BYTES,
            max_queue=QUEUE,
        )
    except InvalidStatus as error:
        kind = Denied if error.response.status_code in (401, 403) else Unreachable
        raise kind(f"{error.response.status_code} {error.response.reason_phrase}", call=call) from error
    except (OSError, TimeoutError, WebSocketException) as error:
        raise Unreachable(str(error) or type(error).__name__, call=call) from error
    return Socket(connection)


def trust(host: str, port: int, verify: bool | str, fingerprint: str | None) -> ssl.SSLContext:
    """Whom to trust; blocks while the certificate of a pinned server is asked for.

    Raises:
        OSError: the server does not answer.
        ssl.SSLError: its certificate is not the pinned one.
    """
    if fingerprint:
        return _pinned(host, port, fingerprint)
    context = ssl.create_default_context(cafile=verify if isinstance(verify, str) else None)
    if verify is False:
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
    return context


def _pinned(host: str, port: int, fingerprint: str) -> ssl.SSLContext:
    """The server's own certificate, once it is seen to be the pinned one, is all that is trusted."""
    pem = ssl.get_server_certificate((host, port), timeout=OPEN_SECONDS)
    found = hashlib.sha256(ssl.PEM_cert_to_DER_cert(pem)).hexdigest()
    if found != fingerprint.replace(":", "").lower():
        raise ssl.SSLError(f"Fingerprints did not match: {found}")
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname = False
    context.verify_flags |= ssl.VERIFY_X509_PARTIAL_CHAIN
    context.load_verify_locations(cadata=pem)
    return context
