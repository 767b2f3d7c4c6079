"""The post: letters are kept with what they are about, and sent until they are on their way or three days have gone by.

Any number of processes send; each letter is one process's for a minute.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import smtplib
import ssl
from collections.abc import Iterator
from dataclasses import asdict
from email.message import EmailMessage
from email.utils import formatdate
from pathlib import Path
from typing import Protocol
from uuid import UUID

import structlog

from eventstore.database import FAILED, Connection, Pool
from eventstore.queries import Queries
from runtime.background import cancelled
from runtime.ids import new_id
from runtime.sealing import Seal
from runtime.settings import Mail, read_secret
from service.mail.letters import Letter

SQL = Queries("service.mail")
HELD_SECONDS, POLL_SECONDS, TIMEOUT_SECONDS = 60.0, 1.0, 20.0
SOON_SECONDS = 0.1  # by then what a letter is about is done, mostly: before, nobody else sees the letter
FIRST_PAUSE, LONGEST_PAUSE = 30.0, 3 * 3600.0
GIVE_UP_SECONDS = 3 * 86400.0
log = structlog.get_logger()


class Refused(Exception):
    """The letter will never be taken as it is; the message says why."""


class Carrier(Protocol):
    """Takes a letter out of the house."""

    def carry(self, message: EmailMessage) -> None:
        """Send it.

        Raises:
            Refused: it will never be taken.
            OSError: not now.
            smtplib.SMTPException: not now.
        """


class Folder:
    """Every letter is a file: for a demo, or for another program that sends them."""

    def __init__(self, folder: Path):
        self._folder = folder

    def carry(self, message: EmailMessage) -> None:
        """Write it as NAME.eml."""
        self._folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        name = message["Message-ID"].strip("<>").partition("@")[0]
        unfinished = self._folder / f".{name}"
        unfinished.write_bytes(bytes(message))
        unfinished.chmod(0o600)
        unfinished.rename(self._folder / f"{name}.eml")


class Smtp:
    """A mail server."""

    def __init__(self, settings: Mail):
        self._settings = settings

    def carry(self, message: EmailMessage) -> None:
        """Hand it over."""
        try:
            with self._connected() as server:
                server.send_message(message)
        except smtplib.SMTPRecipientsRefused as error:
            code, text = next(iter(error.recipients.values()))
            if code >= 500:
                raise Refused(f"{code} {text.decode(errors='replace')}") from error
            raise

    @contextlib.contextmanager
    def _connected(self) -> Iterator[smtplib.SMTP]:
        s, context = self._settings, ssl.create_default_context()
        assert s.smtp_host is not None
        if s.security == "tls":
            server: smtplib.SMTP = smtplib.SMTP_SSL(s.smtp_host, s.smtp_port, timeout=TIMEOUT_SECONDS, context=context)
        else:
            server = smtplib.SMTP(s.smtp_host, s.smtp_port, timeout=TIMEOUT_SECONDS)
        with server:
            if s.security == "starttls":
                server.starttls(context=context)
            if s.user is not None and s.password_file is not None:
                server.login(s.user, read_secret(s.password_file, "mail.password_file").decode())
            yield server


def carrier(settings: Mail) -> Carrier:
    """What takes the letters of this installation."""
    return Folder(settings.folder) if settings.folder is not None else Smtp(settings)


class Post:
    """Keeps letters, and sends them; without settings it keeps none."""

    def __init__(self, pool: Pool, seal: Seal, settings: Mail | None):
        self._pool, self._seal, self._settings = pool, seal, settings
        self._carrier = carrier(settings) if settings is not None else None
        self._rung = asyncio.Event()
        self._task: asyncio.Task[None] | None = None

    async def __aenter__(self) -> Post:
        if self._carrier is not None:
            self._task = asyncio.create_task(self._run(self._carrier))
        return self

    async def __aexit__(self, *exc: object) -> None:
        if self._task is not None:
            await cancelled(self._task)

    @property
    def open(self) -> bool:
        """Whether this installation sends letters at all."""
        return self._settings is not None

    def link(self, path: str) -> str:
        """An address of the dashboard, as a letter names it."""
        assert self._settings is not None
        return self._settings.link_base.rstrip("/") + path

    async def keep(self, connection: Connection | Pool, letter: Letter) -> None:
        """Keep a letter, in the transaction of what it is about; it is sent once that is done."""
        if self._settings is None:
            return
        id = new_id()
        sealed = self._seal.seal(json.dumps(asdict(letter)).encode(), _purpose(id))
        await connection.execute(SQL.new_letter, id, letter.kind, sealed)
        asyncio.get_running_loop().call_later(SOON_SECONDS, self._rung.set)

    async def _run(self, carrier: Carrier) -> None:
        while True:
            try:
                while await self.send_one(carrier):
                    pass
            except FAILED as error:
                log.warning("letters wait", error=str(error) or type(error).__name__)
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(POLL_SECONDS):
                    await self._rung.wait()
            self._rung.clear()

    async def send_one(self, carrier: Carrier) -> bool:
        """Try the letter that has waited longest; False when none is due."""
        row = await self._pool.fetchrow(SQL.take_letter, HELD_SECONDS)
        if row is None:
            return False
        id: UUID = row["letter_id"]
        letter = Letter(**json.loads(self._seal.open(row["sealed"], _purpose(id))))
        try:
            await asyncio.to_thread(carrier.carry, self._message(letter, id))
        except Refused as error:
            await self._pool.execute(SQL.letter_given_up, id, str(error))
            log.warning("letter refused", kind=letter.kind, error=str(error))
        except (OSError, smtplib.SMTPException) as error:
            await self._later(id, letter.kind, row["attempts"], row["age"], str(error) or type(error).__name__)
        else:
            await self._pool.execute(SQL.letter_sent, id)
        return True

    async def _later(self, id: UUID, kind: str, attempts: int, age: float, error: str) -> None:
        log.warning("letter not sent", kind=kind, attempts=attempts, error=error)
        if age > GIVE_UP_SECONDS:
            await self._pool.execute(SQL.letter_given_up, id, error)
        else:
            pause = min(FIRST_PAUSE * 2 ** min(attempts - 1, 20), LONGEST_PAUSE)
            await self._pool.execute(SQL.letter_waits, id, pause, error)

    def _message(self, letter: Letter, id: UUID) -> EmailMessage:
        assert self._settings is not None
        message = EmailMessage()
        message["From"], message["To"], message["Subject"] = self._settings.sender, letter.to, letter.subject
        message["Date"] = formatdate(usegmt=True)
        # The same letter has the same id however often it is handed over: receivers may drop the second.
        message["Message-ID"] = f"<{id.hex}@{self._settings.sender.rpartition('@')[2].strip('>')}>"
        message["Auto-Submitted"] = "auto-generated"
        message.set_content(letter.text)
        return message


def _purpose(id: UUID) -> bytes:
    return b"letter " + id.bytes
