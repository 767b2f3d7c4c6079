"""Who the recorded callers are here: our tickets, tokens and passwords in place of the redacted ones."""

import json
import re
from urllib.parse import quote

from tests.testbed_proxmox.golden.client import Client
from tests.testbed_proxmox.golden.recording import Record

ROOT = "root@pam"
TICKET = re.compile(r"PVE(?::|%3A)([a-z]+)(?:@|%40)([a-z]+)(?::|%3A)[0-9A-F]{8}(?::|%3A){2}<[a-z0-9-]*redacted>")
TOKEN = re.compile(r"([a-z]+@[a-z]+![a-z]+)=<uuid>")
CSRF = re.compile(r"[0-9A-F]{8}:")
#: Credentials that were wrong on purpose; the recording's redaction made them look like good ones.
WRONG = ("version-forged-ticket", "version-expired-looking-ticket", "token-wrong-secret")
WRONG_CSRF = "6B000000:AAAA"
#: Whose password each redacted one is.
PASSWORDS = {"SECRET1": ROOT, "SECRET2": "op@pve", "SECRET3": "nopriv@pve"}
NOBODY = {"ticket": "none", "CSRFPreventionToken": "none"}


class Credentials:
    """Logs users in as they are needed; `secrets` are those of the tokens that the recordings made."""

    def __init__(self, client: Client, root_password: str) -> None:
        self._client = client
        self._root_password = root_password
        self._logins: dict[str, dict[str, str]] = {}
        self.secrets: dict[str, str] = {}

    async def credible(self, record: Record, value: str) -> str:
        """A header or parameter of a record as it is sent here."""
        if record.name in WRONG or value == WRONG_CSRF:
            return value
        if CSRF.match(value):
            return await self._csrf(record)
        for match in TICKET.finditer(value):
            ticket = (await self._login(f"{match[1]}@{match[2]}"))["ticket"]
            value = value.replace(match[0], quote(ticket, safe="") if "%3A" in match[0] else ticket)
        return TOKEN.sub(lambda match: f"{match[1]}={self.secrets.get(match[1], '<uuid>')}", value)

    def revealed(self, value: str) -> str:
        """A text with our passwords."""
        for redacted, user in PASSWORDS.items():
            value = value.replace(redacted, self._password(user))
        return value

    def token_header(self, token: str) -> str:
        """The header of an API token that the recordings made."""
        return f"Authorization: PVEAPIToken={token}={self.secrets.get(token, '')}\r\n"

    async def headers(self, user: str) -> dict[str, str]:
        """The headers of a user who is logged in."""
        login = await self._login(user)
        cookie = f"PVEAuthCookie={quote(login['ticket'], safe='')}"
        return {"Cookie": cookie, "CSRFPreventionToken": login["CSRFPreventionToken"]}

    async def _csrf(self, record: Record) -> str:
        match = TICKET.search(json.dumps(record.request))
        return (await self._login(f"{match[1]}@{match[2]}"))["CSRFPreventionToken"] if match else ""

    def _password(self, user: str) -> str:
        return self._root_password if user == ROOT else f"the password of {user}"

    async def _login(self, user: str) -> dict[str, str]:
        if user not in self._logins:
            form = {"username": user, "password": self._password(user)}
            answer = await self._client.call("POST", "/access/ticket", form, {})
            if answer is None or answer.status != 200:
                return NOBODY
            self._logins[user] = answer.json["data"]
        return self._logins[user]
