"""From a request's query and body to named values, with the original's ways of misreading them.

Facts from pve-http-server APIServer/AnyEvent.pm (extract_params, decode_urlencoded) and the texts of JSON::XS.
"""

import json
import re
from urllib.parse import unquote_to_bytes

from testbed.proxmox.calls import Given
from testbed.proxmox.http.http_server import Request
from testbed.proxmox.schema import Raw

SOURCE = "/usr/share/perl5/PVE/APIServer/AnyEvent.pm line"
PARSER = f"{SOURCE} 917."
MALFORMED = "malformed JSON string, neither tag, array, object, number, string or atom"
#: What JSON::XS says where Python's decoder says something else.
JSON_TEXTS = (
    ("Expecting property name", "'\"' expected"),
    ("Expecting ':'", "':' expected"),
    ("Extra data", "garbage after JSON object"),
    ("Unterminated string", "unexpected end of string while parsing JSON string"),
    ("Invalid control character", "invalid character 0x{code:02X} encountered while parsing JSON string"),
    ("Invalid \\", "illegal backslash escape sequence in string"),
)
SHOWN = 20


class Malformed(Exception):
    """What is not a call's to answer, such as a body that cannot be read: status and text of the plain answer."""

    def __init__(self, status: int, text: str) -> None:
        self.status = status
        self.text = text


def parameters(request: Request) -> Given:
    """The values of a request; the query goes before the body. Raises `Malformed`."""
    found = _uploaded(request) if request.uploaded else _body(request) | form(request.query)
    found.pop("_dc", None)
    return found


def _uploaded(request: Request) -> Given:
    upload = request.uploaded
    assert upload is not None
    return {**form(request.query), **upload.fields, "tmpfilename": str(upload.path)}


def _body(request: Request) -> Given:
    if request.method not in ("PUT", "POST"):
        return {}
    if request.content_type[0] == "application/json":
        return _json_body(request.body)
    return form(request.body.decode("latin-1"))


def _json_body(body: bytes) -> Given:
    try:
        decoded = json.loads(body)
    except json.JSONDecodeError as error:
        raise Malformed(500, f"{_complaint(error)} at {PARSER}\n") from None
    except UnicodeDecodeError:
        raise Malformed(500, f"malformed UTF-8 character in JSON string at {PARSER}\n") from None
    if isinstance(decoded, dict):
        return decoded
    if decoded is None or decoded in ("", "0", 0):
        return {}
    raise Malformed(500, f"{_no_object(decoded)} at {SOURCE} 957.\n")


def _no_object(decoded: object) -> str:
    """What Perl says of a value used as a hash."""
    if isinstance(decoded, list | bool):
        return "Not a HASH reference"
    return f'Can\'t use string ("{decoded}") as a HASH ref while "strict refs" in use'


def _complaint(error: json.JSONDecodeError) -> str:
    rest = error.doc[error.pos :]
    text = next((text for start, text in JSON_TEXTS if error.msg.startswith(start)), MALFORMED)
    if error.msg.startswith("Expecting ',' delimiter"):
        inside_array = _innermost(error.doc[: error.pos]) == "["
        text = ", or ] expected while parsing array" if inside_array else ", or } expected while parsing object/hash"
    text = text.replace("{code:02X}", f"{ord(rest[0]):02X}" if rest else "")
    shown = f'"{rest[:SHOWN]}..."' if len(rest) > SHOWN else f'"{rest or "(end of string)"}"'
    return f"{text}, at character offset {error.pos} (before {shown})"


def _innermost(text: str) -> str:
    """The bracket that is still open at the end of `text`."""
    bare = re.sub(r'"(\\.|[^"\\])*"', "", text)
    previous = ""
    while bare != previous:
        previous, bare = bare, re.sub(r"\[[^][{}]*\]|\{[^][{}]*\}", "", bare)
    return re.sub(r"[^[{]", "", bare)[-1:]


def form(text: str) -> Given:
    """Pairs split at `&` and `;`, values cut at a second `=`; repeated names become arrays.

    A name without `=` has no value at all, which is not the same as an empty one.
    """
    found: Given = {}
    for pair in re.sub("[&;]+$", "", text).replace(";", "&").split("&") if text else ():
        parts = pair.split("=", 2)
        name = _unquoted(parts[0]).decode("latin-1")
        value = _unquoted(parts[1]).decode("utf-8", "replace") if len(parts) > 1 else None
        _put(found, name, value)
    return found


def _unquoted(text: str) -> bytes:
    return unquote_to_bytes(text.replace("+", " ").encode("latin-1", "replace"))


def _put(found: Given, name: str, value: str | None) -> None:
    earlier = found.get(name)
    if value is None or earlier is None:
        found[name] = value
        return
    listed: list[Raw] = earlier if isinstance(earlier, list) else [earlier]
    found[name] = [*listed, value]
