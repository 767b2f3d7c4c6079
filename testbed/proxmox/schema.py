"""Parameter verification with the texts of pve-common JSONSchema.pm (validate, check_object, check_prop, check_type).

The patterns mean what they mean in Perl: `$` also matches before a newline at the end.
"""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Literal, Protocol, runtime_checkable

from testbed.proxmox.errors import parameter_errors

Pve = Literal["8", "9"]
TypeName = Literal["string", "integer", "number", "boolean", "array"]

UNKNOWN = "property is not defined in schema and the schema does not allow additional properties"
MISSING = "property is missing and it is not optional"
#: What a missing parameter's text says that another one requires, by release.
REQUIRED = {"8": "missing property - '{}' requires this property", "9": "missing property required by '{}'"}
#: Between two errors of one parameter: a backslash and an n, not a newline.
AND = "\\n"
#: Between the items of an array among the values that a handler gets.
BETWEEN_ITEMS = "\0"

#: What arrives for one parameter: text from a form, anything of JSON from a JSON body.
Raw = str | int | float | bool | None | list["Raw"] | dict[str, "Raw"]
#: What a handler gets: every value as the text that the original passes on; booleans are "1" and "0".
Values = dict[str, str]


class FormatError(Exception):
    """A value that does not fit its format; the text follows `invalid format - `."""


@runtime_checkable
class Versioned(Protocol):
    """A check that is another one in another release."""

    def of(self, pve: Pve) -> Callable[[str], object]:
        """The check of a release."""


@dataclass(frozen=True, slots=True)
class Param:
    """The schema of one parameter.

    `check` raises `FormatError`; a `listed` one (a `-list` format) also takes an array, whose items it joins by
    commas; `items` is the schema of an array's items; `requires` names a parameter that must be there too.
    Releases from `since` to `until` know it; release 9 has the values of `enum_9` if there are any.
    """

    type: TypeName = "string"
    optional: bool = True
    minimum: float | None = None
    maximum: float | None = None
    min_length: int | None = None
    max_length: int | None = None
    pattern: str | None = None
    enum: tuple[str, ...] = ()
    check: Callable[[str], object] | None = None
    listed: bool = False
    requires: str | None = None
    items: "Param | None" = None
    since: Pve = "8"
    until: Pve = "9"
    enum_9: tuple[str, ...] = ()

    def of(self, pve: Pve) -> "Param | None":
        """The parameter as a release knows it, if it does."""
        if not self.since <= pve <= self.until:
            return None
        check = self.check.of(pve) if isinstance(self.check, Versioned) else self.check
        enum = self.enum_9 if pve == "9" and self.enum_9 else self.enum
        return self if check is self.check and enum is self.enum else replace(self, check=check, enum=enum)


Schema = Mapping[str, Param]


def of_release(schema: Schema, pve: Pve) -> Schema:
    """The parameters that a release knows, as it knows them."""
    return {name: known for name, param in schema.items() if (known := param.of(pve))}


class Errors(dict[str, str]):
    """Error texts by parameter; several for one parameter stand in one text."""

    def add(self, path: str, text: str) -> None:
        """Note an error; one that belongs to no parameter goes to `_root`."""
        path = path or "_root"
        self[path] = f"{self[path]}{AND}{text}" if path in self else text


def verify(given: Mapping[str, Raw], schema: Schema, pve: str = "8") -> Values:
    """The verified parameters; raises `ApiError` 400 with one text per offending parameter.

    `pve` is the release whose words are used.
    """
    values: Values = {}
    errors = Errors()
    for name, param in schema.items():
        text = _taken(given.get(name), param, name, errors)
        if text is not None:
            values[name] = text
    for name in given:
        found = schema.get(name)
        if found is None:
            errors.add(name, UNKNOWN)
        elif found.requires and given.get(found.requires) is None:
            errors.add(found.requires, REQUIRED[pve].format(name))
    if errors:
        raise parameter_errors(dict(errors))
    return values


def _taken(raw: Raw, param: Param, path: str, errors: Errors) -> str | None:
    """The value as text, None for one that is not there or is wrong."""
    if raw is None:
        if not param.optional:
            errors.add(path, MISSING)
        return None
    if isinstance(raw, list) and param.listed:
        raw = ",".join(_scalar(item) for item in raw)
    if param.type == "array":
        return _array(raw, param, path, errors)
    if isinstance(raw, bool) and param.type == "boolean":
        return _scalar(raw)
    if isinstance(raw, bool | list | dict):
        errors.add(path, f"type check ('{param.type}') failed - got {_reference(raw)}")
        return None
    text = _scalar(raw)
    error = check_value(text, param)
    if error is not None:
        errors.add(path, error)
    return text


def _array(raw: Raw, param: Param, path: str, errors: Errors) -> str | None:
    if not isinstance(raw, bool | list | dict) and raw not in ("", "0", 0):
        raw = [raw]
    if not isinstance(raw, list):
        errors.add(path, "type check ('array') failed")
        return None
    items = [_taken(item, param.items or Param(), f"{path}[{index}]", errors) for index, item in enumerate(raw)]
    return BETWEEN_ITEMS.join(item or "" for item in items)


def _scalar(raw: Raw) -> str:
    """A value as Perl writes it."""
    if isinstance(raw, bool):
        return "1" if raw else "0"
    if isinstance(raw, float):
        return f"{raw:.15g}"
    return "" if raw is None else str(raw)


def _reference(raw: bool | list[Raw] | dict[str, Raw]) -> str:
    return "JSON::PP::Boolean" if isinstance(raw, bool) else "ARRAY" if isinstance(raw, list) else "HASH"


NUMBER = re.compile(r"[+-]?(\d+\.\d+|\d+\.|\.\d+|\d+)([eE][+-]?\d+)?\n?", re.ASCII)
TYPES = {"integer": re.compile(r"[+-]?\d+\n?", re.ASCII), "number": NUMBER, "boolean": re.compile("[01]")}


def check_value(text: str, param: Param) -> str | None:
    """The error text for one value, or None if it fits."""
    expected = TYPES.get(param.type)
    if expected and not expected.fullmatch(text):
        return f"type check ('{param.type}') failed - got '{text}'"
    return (
        _check_format(text, param) or _check_text(text, param) or _check_range(text, param) or _check_enum(text, param)
    )


def _check_format(text: str, param: Param) -> str | None:
    if param.check is None:
        return None
    try:
        param.check(text)
    except FormatError as error:
        text = str(error)
        return f"invalid format - {text}" if text.endswith("\n") else f"invalid format - {text}\n"
    return None


def _check_text(text: str, param: Param) -> str | None:
    if param.pattern and not re.search(f"^{param.pattern}$", text):
        return "value does not match the regex pattern"
    if param.max_length is not None and len(text) > param.max_length:
        return f"value may only be {param.max_length} characters long"
    if param.min_length is not None and len(text) < param.min_length:
        return f"value must be at least {param.min_length} characters long"
    return None


def _check_range(text: str, param: Param) -> str | None:
    if not NUMBER.fullmatch(text):
        return None
    if param.maximum is not None and float(text) > param.maximum:
        return f"value must have a maximum value of {param.maximum:.15g}"
    if param.minimum is not None and float(text) < param.minimum:
        return f"value must have a minimum value of {param.minimum:.15g}"
    return None


def _check_enum(text: str, param: Param) -> str | None:
    if not param.enum or text in param.enum:
        return None
    return f"value '{text}' does not have a value in the enumeration '{', '.join(param.enum)}'"
