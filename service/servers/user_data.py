"""User data: what cloud-init in the guest makes something of, and where it can be handed to it.

https://cloudinit.readthedocs.io/en/latest/explanation/format.html
"""

from __future__ import annotations

from collections.abc import Iterable

import yaml
from pydantic_core import PydanticCustomError

from runtime.settings import Cluster
from service.web.problems import invalid

MOST_BYTES = 64 * 1024
MOST_NESTED = 100
BEGINNINGS = (
    *("#!", "#cloud-config", "#include", "#cloud-boothook", "#part-handler", "## template: jinja"),
    *("content-type: multipart/", "mime-version:"),
)
UNKNOWN = (
    "cloud-init would not know what this is: begin with a line such as #cloud-config or #!/bin/sh, or with #include, "
    "## template: jinja or Content-Type: multipart/"
)
TOO_LONG = "User data has at most 64 KiB"
NO_TEXT = "User data is text: there is a NUL in it"
NO_MAPPING = "Below #cloud-config there must be YAML, a mapping of names to values{where}"
NO_PLACE = (
    "User data cannot be handed over in {place}: Proxmox VE takes it only from a file on a storage, and none is set up "
    "for it there. Choose another location, or use SSH keys or a password, and set the server up over SSH once it runs."
)
_LOADER = getattr(yaml, "CSafeLoader", yaml.SafeLoader)


def checked(text: str) -> str:
    """The text, if cloud-init can make something of it.

    Raises:
        PydanticCustomError: it cannot; what is wrong, without a word of the text.
    """
    if len(text.encode("utf-8", "surrogatepass")) > MOST_BYTES:
        raise PydanticCustomError("too_long", TOO_LONG)
    if "\0" in text:
        raise PydanticCustomError("invalid", NO_TEXT)
    if not text.lower().startswith(BEGINNINGS):
        raise PydanticCustomError("invalid", UNKNOWN)
    if text.lower().startswith("#cloud-config") and not text.lower().startswith("#cloud-config-archive"):
        _check_yaml(text)
    return text


def _check_yaml(text: str) -> None:
    """Read event by event: that takes no more than the text is long, whatever it stands for."""
    depth, outermost = 0, None
    try:
        for event in yaml.parse(text, Loader=_LOADER):
            if isinstance(event, yaml.NodeEvent) and depth == 0 and outermost is None:
                outermost = event
            depth += isinstance(event, yaml.CollectionStartEvent) - isinstance(event, yaml.CollectionEndEvent)
            if depth > MOST_NESTED:
                break
    except yaml.MarkedYAMLError as error:
        raise _no_mapping(error.problem_mark.line + 1 if error.problem_mark is not None else None) from None
    except yaml.YAMLError:
        raise _no_mapping(None) from None
    if depth or not isinstance(outermost, yaml.MappingStartEvent):
        raise _no_mapping(None)


def _no_mapping(line: int | None) -> PydanticCustomError:
    where = f"; line {line} is none" if line is not None else ""
    return PydanticCustomError("invalid", NO_MAPPING, {"where": where})


def check_place(clusters: Iterable[Cluster], place: str) -> None:
    """Make sure that one of the clusters hands it over.

    Raises:
        Problem: none does.
    """
    if not takes(clusters):
        raise invalid("/user_data", NO_PLACE.format(place=place), "not_possible")


def takes(clusters: Iterable[Cluster]) -> bool:
    """Whether user data can be handed to guests there."""
    return any(cluster.snippets is not None for cluster in clusters)
