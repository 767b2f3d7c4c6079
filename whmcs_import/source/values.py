"""What a WHMCS value means: pure readers of text, each tolerant of what hosts type and silent about nothing.

A reader that cannot be sure answers None (or hands back what it could not read); it never guesses.
"""

from __future__ import annotations

import html
import ipaddress
import re
import unicodedata
from datetime import date
from fractions import Fraction
from functools import lru_cache
from html.entities import html5

from msgspec import Struct

UNITS = {
    "B": 1,
    "KiB": 2**10,
    "MiB": 2**20,
    "GiB": 2**30,
    "TiB": 2**40,
    # Hosts write GB and mean what Proxmox calls GiB.
    "KB": 2**10,
    "MB": 2**20,
    "GB": 2**30,
    "TB": 2**40,
    "K": 2**10,
    "M": 2**20,
    "G": 2**30,
    "T": 2**40,
    "Mo": 2**20,
    "Go": 2**30,
    "To": 2**40,
}
LONGEST_SAID = 4096  # of what is typed for a name: whoever typed megabytes meant none
LONGEST_HOSTNAME = 253  # RFC 1123
LONGEST_EMAIL = 254  # RFC 5321, with the angle brackets of a path taken off
_UNIT_NAMES = {name.casefold(): name for name in UNITS}
_UNLIMITED = {"unlimited", "∞", "-1", "unmetered", "unbegrenzt", "illimité", "ilimitado"}
_QUANTITY = re.compile(
    r"(?P<number>[0-9]+(?:[.,][0-9]+)*)\s*(?P<percent>%)?\s*(?:x\b)?\s*(?P<word>[^\W\d_]+)?(?P<rest>.*)", re.S
)
_GROUPED = re.compile(r"\d{1,3}(,\d{3})+(\.\d+)?")
_NAMED_UNIT = re.compile(r"(?<![0-9a-z])([kmgt]i?b)\W*", re.IGNORECASE)
_LOOSE_NUMBER = re.compile(r"(?<![^\W_])\d")
_ENTITY = re.compile(r"&(#\d{1,7}|#[xX][0-9a-fA-F]{1,6}|[A-Za-z][A-Za-z0-9]{1,31});")
_ODD = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\x7f\u200b-\u200f\u202a-\u202e\u2060-\u2069\ufeff]")
_UNSTORABLE = re.compile(r"[\x00\ud800-\udfff]")
_UNDEFINED_CP1252 = "\x81\x8d\x8f\x90\x9d"
_MOJIBAKE = re.compile("[ÂÃâðÐÑ][\x80-\xbf€‚ƒ„…†‡ˆ‰Š‹ŒŽ‘’“”•–—˜™š›œžŸ]")
_BYTE = r"(25[0-5]|2[0-4][0-9]|1[0-9][0-9]|[1-9]?[0-9])"
_IPV4 = re.compile(r"\.".join([_BYTE] * 4))
_EMAIL = re.compile(r"[^@\s,;<>\"()]+@[^@\s,;<>\"()]+\.[^@\s,;<>\"().]{2,}")
_LABEL = r"[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?"
_HOSTNAME = re.compile(rf"{_LABEL}(\.{_LABEL})*")
_DAY, _TIME = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}"), re.compile(r"([0-9]{2}:[0-9]{2}(:[0-9]{2}(\.[0-9]+)?)?)?")
_SECRET = re.compile(r"passw(or)?d|passphrase|kennwort|passwort|rootpw|secret|apikey|apitoken|privatekey")
_TRUE = {"yes", "on", "1", "true", "y", "ja", "oui", "si", "sí", "enabled"}
_FALSE = {"no", "off", "0", "false", "n", "nein", "non", "none", "disabled", ""}


@lru_cache(maxsize=65536)
def normalise(text: str) -> str:
    """A name as it is compared: width, case, spaces and punctuation do not count; letters of any script do."""
    return "".join(c for c in unicodedata.normalize("NFKC", text).casefold() if c.isalnum())


class Piped(Struct, frozen=True):
    """`key|label` as WHMCS writes it: the key is for machines, the label for people."""

    key: str
    label: str

    def __str__(self) -> str:
        return self.key if self.key == self.label else f"{self.key}|{self.label}"


@lru_cache(maxsize=65536)
def split_pipe(text: str) -> Piped:
    """Split at the first pipe and trim; a missing side is taken from the other one.

    WHMCS hands modules what stands before the first pipe (its developer documentation, configurable options).
    """
    key, pipe, label = text.partition("|")
    key, label = key.strip(), label.strip()
    if not pipe:
        return Piped(key, key)
    return Piped(key or label, label or key)


class Quantity(Struct, frozen=True):
    """A number and the unit that stood beside it; `number` is None when it said "unlimited"."""

    number: Fraction | None
    unit: str | None = None  # a key of UNITS, "%", or the word that stood there

    def whole(self, unit: str, assumed: str | None = None) -> int | None:
        """This many of `unit` (a key of UNITS), or None when that is no whole number or no unit is known."""
        own = self.unit or assumed
        if self.number is None or own not in UNITS:
            return None
        amount = self.number * UNITS[own] / UNITS[unit]
        return int(amount) if amount.denominator == 1 else None


def unit_of_name(name: str) -> str | None:
    """The unit a name ends in: "RAM (MB)", "memory_gb". That of "x 512MB" is of a number of its own."""
    plain = unicodedata.normalize("NFKC", name).strip()
    found = [match for match in _NAMED_UNIT.finditer(plain) if match.end() == len(plain)]
    return _UNIT_NAMES[found[0][1].casefold()] if found else None


@lru_cache(maxsize=65536)
def quantity(text: str) -> Quantity | None:
    """Read "4 GB", "4096MB", "1,5 GB", "2,048 MB", "4 GB DDR4 ECC", "2x", "50%", "Unlimited".

    None when it is not one number with at most one unit.
    """
    plain = unicodedata.normalize("NFKC", text).strip()
    if plain.casefold() in _UNLIMITED:
        return Quantity(None)
    match = _QUANTITY.fullmatch(plain)
    if match is None or _LOOSE_NUMBER.search(match["rest"]):
        return None
    number = _number(match["number"])
    if number is None or (match["percent"] and match["word"]):
        return None
    unit = "%" if match["percent"] else match["word"]
    return Quantity(number, _UNIT_NAMES.get(unit.casefold(), unit) if unit else None)


def count(text: str) -> int | None:
    """A number of things ("4", "4 Cores", "2x vCPU", "200%"), or None."""
    read = quantity(text)
    if read is None or read.number is None or read.unit in UNITS:
        return None
    number = read.number / 100 if read.unit == "%" else read.number
    return int(number) if number.denominator == 1 else None


def yes_no(text: str) -> bool | None:
    """Whether a text says yes or no, or None."""
    word = text.strip().casefold()
    return True if word in _TRUE else False if word in _FALSE else None


class Addresses(Struct, frozen=True):
    """Addresses in the order they stood, each once, with the prefix length that was written; and what is none."""

    found: tuple[tuple[str, int | None], ...]
    junk: tuple[str, ...]


_NO_ADDRESSES = Addresses((), ())


def addresses(*texts: str) -> Addresses:
    """Read free-text address fields: lines, commas, ports, CIDR, `MAC=address`."""
    said = [decode_entities(text) if "&" in text else text for text in texts if text]
    if not said:
        return _NO_ADDRESSES
    if len(said) == 1 and _IPV4.fullmatch(said[0]):
        read = _address(said[0])
        return Addresses((read,), ()) if read else Addresses((), (said[0],))
    found: dict[str, int | None] = {}
    junk: list[str] = []
    for word in dict.fromkeys(word for text in said for word in re.split(r"[\r\n,;\s]+", text) if word):
        read = _address(word)
        if read is None:
            junk.append(word)
        elif read[0] not in found or found[read[0]] is None:
            found[read[0]] = read[1]
    return Addresses(tuple(found.items()), tuple(dict.fromkeys(junk)))


class Date(Struct, frozen=True):
    """A date as ISO text, or None with the reason why there is none (None: it was left empty)."""

    iso: str | None
    problem: str | None = None


@lru_cache(maxsize=4096)
def day(raw: str | None) -> Date:
    """Read a DATE or DATETIME as the database sent it. Zero dates are empty; impossible ones are a problem."""
    text, _, time = (raw or "").strip().partition(" ")
    if text in ("", "0000-00-00"):
        return Date(None)
    if not _DAY.fullmatch(text) or not _TIME.fullmatch(time):
        return Date(None, "date_impossible")
    try:
        value = date.fromisoformat(text)
    except ValueError:
        return Date(None, "date_impossible")
    return Date(value.isoformat()) if 1990 <= value.year <= 2100 else Date(None, "date_implausible")


class Text(Struct, frozen=True):
    """Cleaned text and what was done to it or is odd about it."""

    value: str
    notes: tuple[str, ...] = ()


def text(raw: str | None, *, repair: bool = False) -> Text:
    """Decode HTML entities once, drop what PostgreSQL cannot hold, and find (with `repair`: mend) mojibake."""
    if not raw:
        return Text("")
    if raw.isascii() and raw.isprintable() and "&" not in raw:
        return Text(raw.strip())
    notes = []
    value = storable(raw)
    if value != raw:
        notes.append("illegal_characters_removed")
    decoded = decode_entities(value)
    if decoded != value and _ENTITY.search(decoded) and decode_entities(decoded) != decoded:
        notes.append("double_encoded")
    if (mended := mojibake(decoded)) is not None:
        notes.append("mojibake_repaired" if repair else "mojibake_suspected")
        decoded = mended if repair else decoded
    if "\ufffd" in decoded:
        notes.append("bytes_unreadable")
    if _ODD.search(decoded):
        notes.append("control_characters")
    return Text(decoded.strip(), tuple(notes))


def storable(raw: str) -> str:
    """Text without NUL and lone surrogates, which PostgreSQL refuses."""
    return _UNSTORABLE.sub("", raw)


def decode_entities(raw: str) -> str:
    """Decode entities that end in a semicolon, once: `R&D &copy 2020` stays as it is."""
    return _ENTITY.sub(_decode_entity, raw)


def mojibake(raw: str) -> str | None:
    """What the text was before UTF-8 was read as Windows-1252, once or several times; None: there is no sign of it."""
    if not _MOJIBAKE.search(raw):
        return None
    try:
        mended = _as_cp1252(raw).decode("utf-8")
    except (UnicodeEncodeError, UnicodeDecodeError):
        return None
    return (mojibake(mended) or mended) if mended != raw else None


class Email(Struct, frozen=True):
    """An address to sign in with, or None and why not. Lookup is by `address`, which is lower case."""

    address: str | None
    problem: str | None = None


def email(raw: str | None) -> Email:
    """Read one e-mail address; more than one, or none, is a problem and never half an answer."""
    plain = unicodedata.normalize("NFKC", decode_entities(storable(raw or ""))).strip().lower()
    fits = len(plain) <= LONGEST_EMAIL and _EMAIL.fullmatch(plain)
    return Email(plain) if fits else Email(None, "email_invalid")


def hostname(raw: str) -> str | None:
    """The nearest RFC 1123 host name, or None when nothing is left of it."""
    if len(raw) <= LONGEST_HOSTNAME and _HOSTNAME.fullmatch(raw):
        return raw
    plain = unicodedata.normalize("NFKC", raw.strip()[:LONGEST_SAID]).strip().strip(".").casefold()
    labels = [label for part in plain.split(".") if (label := _label(part))]
    name = ".".join(labels)
    return name[:LONGEST_HOSTNAME].rstrip(".-") or None


def is_secret_name(name: str) -> bool:
    """Whether a field of this name holds a password or the like, whatever its type says."""
    return _SECRET.search(normalise(name)) is not None


def strip_tags(raw: str) -> str:
    """A link field may hold an anchor element: the text in it."""
    return re.sub(r"<[^<>]*>", "", raw).strip()


def _number(raw: str) -> Fraction | None:
    if _GROUPED.fullmatch(raw):
        return Fraction(raw.replace(",", ""))
    if raw.count(",") + raw.count(".") > 1:
        return None
    return Fraction(raw.replace(",", "."))


@lru_cache(maxsize=4096)  # gateways and netmasks come again and again
def _address(word: str) -> tuple[str, int | None] | None:
    if (plain := _IPV4.fullmatch(word)) is not None:
        first = int(plain[1])
        if 1 <= first <= 223 and first != 127 and not word.startswith("169.254."):
            return word, None
    candidate = word.rpartition("=")[2]
    match = re.fullmatch(r"\[([0-9A-Fa-f:.]+)\](?::\d+)?", candidate)
    match = match or re.fullmatch(r"(\d+\.\d+\.\d+\.\d+):\d+", candidate)
    candidate = match[1] if match else candidate
    try:
        read = ipaddress.ip_interface(candidate)
    except ValueError:
        return None
    ip, network = read.ip, read.network
    if isinstance(ip, ipaddress.IPv6Address) and ip.ipv4_mapped is not None:
        return _address(str(ip.ipv4_mapped))
    if ip.is_unspecified or ip.is_loopback or ip.is_multicast or ip.is_link_local or "%" in candidate:
        return None
    if ip.version == 4 and ip.is_reserved:
        return None
    if network.prefixlen < ip.max_prefixlen - 1 and ip == network.network_address:
        return None  # a whole network is no address of a server
    return str(ip), network.prefixlen if "/" in candidate else None


def _decode_entity(match: re.Match[str]) -> str:
    name = match[1]
    if name.startswith("#") or f"{name};" in html5:
        return storable(html.unescape(match[0]))
    return match[0]


def _as_cp1252(raw: str) -> bytes:
    try:
        return raw.encode("cp1252")
    except UnicodeEncodeError:  # byte by byte: some have no meaning there and stand for themselves
        return b"".join(map(_cp1252, raw))


def _cp1252(c: str) -> bytes:
    return c.encode("latin-1") if c in _UNDEFINED_CP1252 else c.encode("cp1252")


def _label(part: str) -> str:
    if not part.isascii():
        try:
            part = part.encode("idna").decode("ascii")
        except UnicodeError:
            part = part.encode("ascii", "ignore").decode("ascii")
    return re.sub(r"[^a-z0-9-]+", "-", part).strip("-")[:63].strip("-")
