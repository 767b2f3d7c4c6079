"""Letters leave once, wait when they cannot, and are given up in the end."""

from __future__ import annotations

import socketserver
import threading
from collections.abc import Iterator
from email.message import EmailMessage
from pathlib import Path
from typing import Any, ClassVar

import pytest

from eventstore.store import EventStore
from runtime.sealing import Seal
from runtime.settings import Mail
from service.mail.letters import password_changed
from service.mail.post import Folder, Post, Refused, Smtp

LETTER = password_changed("ann@example.com")


def mail(**changes: object) -> Mail:
    given = {"sender": "Hostler <hostler@example.com>", "link_base": "https://panel.example.com"}
    return Mail.model_validate({"smtp_host": "127.0.0.1", "security": "none"} | given | changes)


class Scripted:
    """A carrier that fails as it is told to, then takes letters."""

    def __init__(self, *failures: Exception):
        self._failures = list(failures)
        self.carried: list[EmailMessage] = []

    def carry(self, message: EmailMessage) -> None:
        if self._failures:
            raise self._failures.pop(0)
        self.carried.append(message)


@pytest.fixture
def office(store: EventStore) -> Post:
    """A post that sends when it is told to."""
    return Post(store.pool, Seal(bytes(32)), mail())


async def kept(store: EventStore, office: Post) -> None:
    await office.keep(store.pool, LETTER)


async def state(store: EventStore) -> dict[str, Any]:
    """The one letter there is."""
    (row,) = await store.pool.fetch(
        "SELECT sealed IS NOT NULL AS kept, sent_at IS NOT NULL AS sent, gave_up_at IS NOT NULL AS given_up,"
        " due_at > now() + interval '10 s' AS waits, attempts, error FROM letter"
    )
    return dict(row)


async def test_a_letter_leaves_once_and_its_text_is_not_kept(store: EventStore, office: Post) -> None:
    await kept(store, office)
    carrier = Scripted()
    assert [await office.send_one(carrier), await office.send_one(carrier)] == [True, False]
    (message,) = carrier.carried
    assert (message["To"], message["From"]) == ("ann@example.com", "Hostler <hostler@example.com>")
    assert message["Message-ID"].endswith("@example.com>")
    assert (await state(store)).items() >= {"kept": False, "sent": True, "attempts": 1}.items()


async def test_a_letter_that_cannot_leave_waits(store: EventStore, office: Post) -> None:
    await kept(store, office)
    carrier = Scripted(ConnectionRefusedError("nobody there"))
    assert await office.send_one(carrier)
    assert await state(store) == {
        "kept": True,
        "sent": False,
        "given_up": False,
        "waits": True,
        "attempts": 1,
        "error": "nobody there",
    }
    await store.pool.execute("UPDATE letter SET due_at = now()")
    assert await office.send_one(carrier)
    assert len(carrier.carried) == 1


@pytest.mark.parametrize(("failure", "age"), [(Refused("550 no such box"), "0 s"), (OSError("away"), "4 days")])
async def test_a_letter_is_given_up(store: EventStore, office: Post, failure: Exception, age: str) -> None:
    await kept(store, office)
    await store.pool.execute("UPDATE letter SET created_at = now() - $1::text::interval", age)
    assert await office.send_one(Scripted(failure))
    assert (await state(store)).items() >= {"kept": False, "given_up": True, "error": str(failure)}.items()
    assert not await office.send_one(Scripted())


async def test_a_letter_of_a_process_that_died_is_sent_by_another(store: EventStore, office: Post) -> None:
    await kept(store, office)
    other = Post(store.pool, Seal(bytes(32)), mail())
    with pytest.raises(KeyboardInterrupt):
        await office.send_one(Dying())
    assert not await other.send_one(Scripted())  # it is still the first one's
    await store.pool.execute("UPDATE letter SET due_at = now()")  # a minute later
    assert await other.send_one(Scripted())


class Dying:
    """A carrier in whose hands the process dies."""

    def carry(self, message: EmailMessage) -> None:
        raise KeyboardInterrupt


async def test_without_settings_nothing_is_kept(store: EventStore) -> None:
    closed = Post(store.pool, Seal(bytes(32)), None)
    await closed.keep(store.pool, LETTER)
    assert not closed.open
    assert await store.pool.fetchval("SELECT count(*) FROM letter") == 0


def test_a_folder_takes_letters(tmp_path: Path) -> None:
    message = EmailMessage()
    message["Message-ID"], message["To"] = "<one@example.com>", "ann@example.com"
    message.set_content("Hello")
    Folder(tmp_path / "mail").carry(message)
    (path,) = (tmp_path / "mail").iterdir()
    assert (path.name, path.stat().st_mode & 0o077) == ("one.eml", 0)
    assert "Hello" in path.read_text()


class MailServer(socketserver.StreamRequestHandler):
    """As much of RFC 5321 as a letter takes; who is refused is refused for ever."""

    received: ClassVar[list[bytes]] = []

    def handle(self) -> None:
        self._say("220 here")
        for line in self.rfile:
            verb = line[:4].upper()
            if verb == b"DATA":
                self._say("354 go on")
                self.received.append(b"".join(iter(self.rfile.readline, b".\r\n")))
            self._say("550 nobody here" if b"refused@" in line else "221 bye" if verb == b"QUIT" else "250 fine")

    def _say(self, line: str) -> None:
        self.wfile.write(f"{line}\r\n".encode())


@pytest.fixture
def server() -> Iterator[int]:
    """A mail server on loopback; its port."""
    MailServer.received = []
    with socketserver.TCPServer(("127.0.0.1", 0), MailServer) as listening:
        thread = threading.Thread(target=listening.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        yield listening.server_address[1]
        listening.shutdown()
        thread.join()


def letter_to(address: str) -> EmailMessage:
    message = EmailMessage()
    message["From"], message["To"], message["Subject"] = "hostler@example.com", address, "Hello"
    message.set_content("Grüße")
    return message


def test_a_mail_server_takes_letters(server: int) -> None:
    Smtp(mail(smtp_port=server)).carry(letter_to("ann@example.com"))
    (data,) = MailServer.received
    assert b"Subject: Hello" in data


def test_a_mail_server_that_refuses_for_good_is_believed(server: int) -> None:
    with pytest.raises(Refused, match="550 nobody here"):
        Smtp(mail(smtp_port=server)).carry(letter_to("refused@example.com"))


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        ({"folder": "mail"}, "either smtp_host or folder"),
        ({"smtp_host": None}, "either smtp_host or folder"),
        ({"user": "hostler"}, "user and password_file"),
        ({"sender": "nobody"}, "sender"),
        ({"link_base": "panel.example.com"}, "link_base"),
    ],
)
def test_wrong_settings_are_refused(wrong: dict[str, object], said: str) -> None:
    with pytest.raises(ValueError, match=said):
        mail(**wrong)
