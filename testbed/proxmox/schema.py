"""Parameter verification with the texts of pve-common JSONSchema.pm."""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Literal

from testbed.proxmox.errors import parameter_errors

TypeName = Literal["string", "integer", "number", "boolean"]

UNKNOWN = "property is not defined in schema and the schema does not allow additional properties"
MISSING = "property is missing and it is not optional"

#: What arrives for one parameter: text from a form, anything of JSON from a JSON body.
Raw = str | int | float | bool | None | list["Raw"]
#: What a handler gets: every value as the text that the original passes on; booleans are "1" and "0".
Values = dict[str, str]


class FormatError(Exception):
    """A value that does not fit its format; the text follows `invalid format - `."""


@dataclass(frozen=True, slots=True)
class Param:
    """The schema of one parameter. `check` raises `FormatError`; a `listed` one also takes an array."""

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


Schema = Mapping[str, Param]


def verify(given: Mapping[str, Raw], schema: Schema) -> Values:
    """The verified parameters; raises `ApiError` 400 with one text per offending parameter."""
    values: Values = {}
    errors: dict[str, str] = {}
    for name, raw in given.items():
        param = schema.get(name)
        error = UNKNOWN if param is None else _take(values, name, raw, param)
        if error is not None:
            errors[name] = error
    errors |= _missing(values, errors, schema)
    if errors:
        raise parameter_errors(errors)
    return values


def _take(values: Values, name: str, raw: Raw, param: Param) -> str | None:
    if raw is None:
        return None
    text = _text(raw, param)
    if text is None:
        return f"type check ('{param.type}') failed - got ARRAY"
    error = check_value(text, param)
    if error is None:
        values[name] = text
    return error


def _text(raw: Raw, param: Param) -> str | None:
    if isinstance(raw, bool):
        return "1" if raw else "0"
    if isinstance(raw, list):
        return ",".join(str(item) for item in raw) if param.listed else None
    return str(raw)


def _missing(values: Values, errors: dict[str, str], schema: Schema) -> dict[str, str]:
    found: dict[str, str] = {}
    for name, param in schema.items():
        if name not in values and name not in errors and not param.optional:
            found[name] = MISSING
        if name in values and param.requires and param.requires not in values:
            found[param.requires] = f"missing property - '{name}' requires this property"
    return found


TYPES = {"integer": r"[+-]?\d+", "number": r"[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?", "boolean": "[01]"}


def check_value(text: str, param: Param) -> str | None:
    """The error text for one value, or None if it fits."""
    expected = TYPES.get(param.type)
    if expected and not re.fullmatch(expected, text):
        return f"type check ('{param.type}') failed - got '{text}'"
    return _check_format(text, param) or _check_limits(text, param)


def _check_format(text: str, param: Param) -> str | None:
    if param.check is None:
        return None
    try:
        param.check(text)
    except FormatError as error:
        text = str(error)
        return f"invalid format - {text}" if text.endswith("\n") else f"invalid format - {text}\n"
    return None


def _check_limits(text: str, param: Param) -> str | None:
    if param.pattern and not re.fullmatch(param.pattern, text):
        return "value does not match the regex pattern"
    if param.enum and text not in param.enum:
        return f"value '{text}' does not have a value in the enumeration '{', '.join(param.enum)}'"
    if param.max_length is not None and len(text) > param.max_length:
        return f"value may only be {param.max_length} characters long"
    if param.min_length is not None and len(text) < param.min_length:
        return f"value must be at least {param.min_length} characters long"
    return _check_range(text, param)


def _check_range(text: str, param: Param) -> str | None:
    if param.minimum is not None and float(text) < param.minimum:
        return f"value must have a minimum value of {param.minimum:g}"
    if param.maximum is not None and float(text) > param.maximum:
        return f"value must have a maximum value of {param.maximum:g}"
    return None
