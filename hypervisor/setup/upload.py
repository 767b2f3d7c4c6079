"""A form with one file as a stream of known length, so that an image never has to fit into memory."""

from __future__ import annotations

import io
import os
import secrets
from collections.abc import Iterator, Mapping
from typing import BinaryIO

CHUNK = 64 * 1024


class Multipart:
    """multipart/form-data of `fields`, then the file under `name`: readable, and as long as `len` says."""

    def __init__(self, fields: Mapping[str, str | int], name: str, filename: str, file: BinaryIO) -> None:
        boundary = secrets.token_hex(16)
        self.content_type = f"multipart/form-data; boundary={boundary}"
        texts = [(key, str(value)) for key, value in fields.items() if key != name]
        head = "".join(_part(boundary, f'name="{key}"', value + "\r\n") for key, value in texts)
        kind = "Content-Type: application/octet-stream\r\n"
        head += f'--{boundary}\r\nContent-Disposition: form-data; name="{name}"; filename="{filename}"\r\n{kind}\r\n'
        tail = f"\r\n--{boundary}--\r\n"
        self._parts: list[BinaryIO] = [io.BytesIO(head.encode()), file, io.BytesIO(tail.encode())]
        self._length = len(head.encode()) + os.fstat(file.fileno()).st_size + len(tail.encode())

    def __len__(self) -> int:
        return self._length

    def __iter__(self) -> Iterator[bytes]:
        """What `requests` looks for in a stream."""
        return iter(lambda: self.read(CHUNK), b"")

    def read(self, size: int = -1) -> bytes:
        """The next bytes, from one part at a time; b"" at the end."""
        while self._parts:
            if data := self._parts[0].read(size):
                return data
            self._parts.pop(0)
        return b""


def _part(boundary: str, disposition: str, content: str) -> str:
    return f"--{boundary}\r\nContent-Disposition: form-data; {disposition}\r\n\r\n{content}"
