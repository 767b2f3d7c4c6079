"""A file on its way in: a multipart form whose file goes to a temporary path while it arrives.

Facts from pve-http-server AnyEvent.pm (file_upload_multipart). Fields after the file are not seen as such: the
file reaches to the form's end. Fields other than those named here are passed over.
"""

import re
import secrets
from pathlib import Path

DIRECTORY = Path("/var/tmp")
FIELDS = ("content", "checksum-algorithm", "checksum")
SOURCE = "/usr/share/perl5/PVE/APIServer/AnyEvent.pm line"
NEWLINE = rb"\r?\n"


class UploadError(Exception):
    """A form that cannot be taken; the text of a 500."""


class Upload:
    """The fields and the file of one form; feed it with `take` until it is `complete`.

    `fields` has `filename` and those of `FIELDS` that came before the file; the file lies at `path`. Whoever
    uses the file moves or deletes it.
    """

    def __init__(self, boundary: str, size: int) -> None:
        delimiter = re.escape(boundary.encode("latin-1"))
        self._delimiter = b"--" + delimiter + NEWLINE
        self._end = re.compile(rb"(?:\r?\n)?--" + delimiter + b"--")
        # What may be the beginning of the end is not written yet.
        self._kept = len(boundary) + 8
        self._size = size
        self._read = 0
        self._buffer = bytearray()
        self._begun = False
        self._in_file = False
        self.complete = False
        self.fields: dict[str, str] = {}
        self.path = DIRECTORY / f"pveupload-{secrets.token_hex(16)}"
        self._file = self.path.open("xb")
        self.path.chmod(0o600)

    def take(self, data: bytes) -> None:
        """Take the next bytes of the body; raises `UploadError`."""
        self._read += len(data)
        self._buffer += data
        if not self._begun:
            self._begin()
        if self._begun and not self._in_file:
            self._take_fields()
        if self._in_file:
            self._take_file()
        if self._read >= self._size and not self.complete:
            raise UploadError(f"upload failed at {SOURCE} 1317.\n")

    def discard(self) -> None:
        """Delete the file, if it is still there."""
        self._file.close()
        self.path.unlink(missing_ok=True)

    def _begin(self) -> None:
        first = re.search(self._delimiter, self._buffer)
        if first:
            del self._buffer[: first.start()]
            self._begun = True

    def _take_fields(self) -> None:
        for name in FIELDS:
            self._take_field(name)
        head = re.match(
            self._delimiter + rb'Content-Disposition: (.*?); name="(.*?)"; filename="([^"]+)"',
            self._buffer,
            re.DOTALL,
        )
        blank = re.compile(NEWLINE + NEWLINE).search(self._buffer, head.end()) if head else None
        if not head or not blank:
            return
        _check_disposition(head[1])
        if head[2] != b"filename":
            name = head[2].decode("utf-8", "replace")
            raise UploadError(f"wrong field name '{name}' for file upload, expected 'filename' at {SOURCE} 1281.\n")
        self.fields["filename"] = head[3].decode("utf-8", "replace").strip()
        del self._buffer[: blank.end()]
        self._in_file = True

    def _take_field(self, name: str) -> None:
        pattern = (
            self._delimiter
            + rb".*?Content-Disposition: (.*?); name=\""
            + name.encode()
            + rb"\".*?"
            + NEWLINE
            + NEWLINE
            + rb"(.*?)(?="
            + self._delimiter
            + rb")"
        )
        found = re.match(pattern, self._buffer, re.DOTALL)
        if found:
            _check_disposition(found[1])
            self.fields[name] = found[2].decode("utf-8", "replace").strip()
            del self._buffer[: found.end()]

    def _take_file(self) -> None:
        end = self._end.search(self._buffer)
        if end:
            self._file.write(self._buffer[: end.start()])
            self._file.close()
            self.complete = True
            return
        ready = len(self._buffer) - self._kept
        if ready > 0:
            self._file.write(self._buffer[:ready])
            del self._buffer[:ready]


def _check_disposition(kind: bytes) -> None:
    if kind != b"form-data":
        shown = kind.decode("utf-8", "replace")
        raise UploadError(f"wrong Content-Disposition '{shown}' in multipart, expected 'form-data'\n")
