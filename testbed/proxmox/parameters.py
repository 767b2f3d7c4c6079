"""From a request's query and body to named values, with the original's ways of misreading them.

Facts from pve-http-server APIServer/AnyEvent.pm (extract_params, decode_urlencoded).
"""

import json
from urllib.parse import unquote_plus

from testbed.proxmox.calls import Given
from testbed.proxmox.http_server import Request
from testbed.proxmox.schema import Raw

MALFORMED = "malformed JSON string, neither tag, array, object, number, string or atom"
PARSER = "/usr/share/perl5/PVE/APIServer/AnyEvent.pm line 917."


class Malformed(Exception):
    """A body that cannot be read: the status and the text of the answer."""

    def __init__(self, status: int, text: str) -> None:
        self.status = status
        self.text = text


def parameters(request: Request) -> Given:
    """The values of a request; the query goes before the body. Raises `Malformed`."""
    body = _body(request)
    query = _form(request.target.partition("?")[2])
    merged = body | query
    merged.pop("_dc", None)
    return merged


def _body(request: Request) -> Given:
    if not request.body:
        return {}
    kind = request.headers.get("content-type", "")
    if kind.startswith("application/json"):
        return _json_body(request.body)
    if kind and not kind.startswith("application/x-www-form-urlencoded"):
        raise Malformed(506, f"upload 'Content-Type '{kind}' not implemented")
    return _form(request.body.decode("latin-1"))


def _json_body(body: bytes) -> Given:
    try:
        decoded = json.loads(body)
    except json.JSONDecodeError as error:
        rest = error.doc[error.pos :] or "(end of string)"
        raise Malformed(500, f'{MALFORMED}, at character offset {error.pos} (before "{rest}") at {PARSER}') from None
    if not isinstance(decoded, dict):
        raise Malformed(500, f"{MALFORMED} at {PARSER}")
    return decoded


def _form(text: str) -> Given:
    """Pairs split at `&` and `;`, values cut at a second `=`; repeated names become arrays."""
    found: Given = {}
    for pair in text.replace(";", "&").split("&"):
        name, _, value = pair.partition("=")
        if name:
            _put(found, unquote_plus(name), unquote_plus(value.partition("=")[0]))
    return found


def _put(found: Given, name: str, value: str) -> None:
    if name not in found:
        found[name] = value
        return
    earlier = found[name]
    listed: list[Raw] = earlier if isinstance(earlier, list) else [earlier]
    found[name] = [*listed, value]
