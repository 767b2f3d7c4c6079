"""YAML that is checked as it is read: every refusal names file and line, and where it can the mend."""

from __future__ import annotations

import difflib
import re
from collections.abc import Callable, Iterable, Mapping
from typing import Any, TypeVar

import yaml

from whmcs_import.source.values import normalise, storable

T = TypeVar("T")


class MappingError(Exception):
    """The mapping file cannot be used; the message names file, line and mend."""


class Reader:
    """Turns YAML nodes into checked values; every refusal carries the node's line."""

    def __init__(self, name: str, loader: yaml.SafeLoader):
        self._name = name
        self._loader = loader

    def refuse(self, node: yaml.Node, message: str) -> MappingError:
        return MappingError(f"{self._name}:{node.start_mark.line + 1}: {message}")

    def check_storable(self, node: yaml.Node) -> None:
        """Refuse characters that no database here can hold: YAML lets them be written as escapes."""
        if isinstance(node, yaml.ScalarNode) and storable(node.value) != node.value:
            raise self.refuse(node, f"{node.value!r} holds a character that cannot be stored: remove it")
        for each in node.value if isinstance(node, yaml.CollectionNode) else ():
            for part in each if isinstance(each, tuple) else (each,):
                self.check_storable(part)

    def plain(self, node: yaml.Node) -> Any:
        return self._loader.construct_object(node, deep=True)

    def text(self, node: yaml.Node) -> str:
        if not isinstance(node, yaml.ScalarNode) or not node.value:
            raise self.refuse(node, "expected text here")
        return str(node.value)

    def name(self, node: yaml.Node) -> str:
        """An alias, or `re:` and a pattern that compiles."""
        text = self.text(node)
        if text.startswith("re:"):
            try:
                re.compile(text[3:])
            except re.error as error:
                raise self.refuse(node, f"the pattern {text!r} is not valid: {error}") from None
        elif not normalise(text) and not any(c in "*?" for c in text):
            raise self.refuse(node, f"the name {text!r} has no letter or digit to match by")
        return text

    def integer(self, node: yaml.Node) -> int:
        value = self.plain(node)
        if not isinstance(value, int) or isinstance(value, bool):
            raise self.refuse(node, f"expected a whole number, not {value!r}")
        return value

    def boolean(self, node: yaml.Node) -> bool:
        value = self.plain(node)
        if not isinstance(value, bool):
            raise self.refuse(node, f"expected true or false, not {value!r}")
        return value

    def scalar(self, node: yaml.Node) -> str | int:
        value = self.plain(node)
        if isinstance(value, bool) or not isinstance(value, str | int):
            raise self.refuse(node, f"expected text or a whole number, not {value!r}")
        return value

    def one_of(self, *allowed: str) -> Callable[[yaml.Node], str]:
        def choose(node: yaml.Node) -> str:
            text = node.value if isinstance(node, yaml.ScalarNode) else ""
            if text not in allowed:
                raise self.refuse(node, f"{text!r} is not one of {', '.join(allowed)}{hint(text, allowed)}")
            return str(text)

        return choose

    def many(self, node: yaml.Node, item: Callable[[yaml.Node], T]) -> tuple[T, ...]:
        if isinstance(node, yaml.SequenceNode):
            return tuple(item(child) for child in node.value)
        return (item(node),)

    def pairs(self, node: yaml.Node, what: str) -> list[tuple[yaml.Node, yaml.Node]]:
        if isinstance(node, yaml.ScalarNode) and node.tag == "tag:yaml.org,2002:null":
            return []  # a table of which nothing but comments is left
        if not isinstance(node, yaml.MappingNode):
            raise self.refuse(node, f"{what} must be a table of keys and values")
        seen: set[str] = set()
        for key, _ in node.value:
            if not isinstance(key, yaml.ScalarNode):
                raise self.refuse(key, f"a key of {what} must be plain text")
            if key.value in seen:
                raise self.refuse(key, f"{key.value!r} stands twice in {what}: remove one")
            seen.add(key.value)
        return list(node.value)

    def section(self, node: yaml.Node, what: str, keys: Mapping[str, Callable[[yaml.Node], Any]]) -> dict[str, Any]:
        """The values of a table whose keys are all known."""
        values: dict[str, Any] = {}
        for key, value in self.pairs(node, what):
            if key.value not in keys:
                raise self.refuse(key, f"unknown key {key.value!r} in {what}{hint(key.value, keys)}")
            values[key.value] = keys[key.value](value)
        return values


def is_close(text: str, allowed: Iterable[str]) -> bool:
    """Whether a name looks like another one misspelled."""
    return bool(difflib.get_close_matches(text, list(allowed), n=1, cutoff=0.75))


def hint(text: str, allowed: Mapping[str, Any] | tuple[str, ...]) -> str:
    close = difflib.get_close_matches(text, list(allowed), n=1)
    return f": did you mean {close[0]!r}?" if close else f": known are {', '.join(allowed)}"
