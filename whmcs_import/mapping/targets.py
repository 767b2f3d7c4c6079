"""How a field of a server gets its value from what a service was sold with. Pure.

The first source that says something wins, every `add` comes on top. What is there but cannot be read refuses the
service; what is not there at all falls to the product rule, then to the target's default.
"""

from __future__ import annotations

import fnmatch
import re
from collections.abc import Callable, Iterator, Sequence
from fractions import Fraction
from functools import lru_cache
from typing import Any, TypeAlias

from msgspec import Struct

from whmcs_import.mapping.mapping_file import MappingFile, Match, Scope, Source, Target, names
from whmcs_import.mapping.options import Note, Refused, Sold, Value
from whmcs_import.mapping.shop import Product
from whmcs_import.source.values import (
    UNITS,
    Piped,
    Quantity,
    addresses,
    count,
    normalise,
    quantity,
    storable,
    unit_of_name,
    yes_no,
)

BASE_UNIT = {"memory_mib": "MiB", "disk_gib": "GiB"}
PIECES = re.compile(r"(\d+)\s+(?:[x×]\s*)?(\d[\d.,]*\s*[^\W\d_]+)")
SOLD = ("option", "custom_field", "addon")
DIRECT = ("service", "server", "pve_node")
MOST = 8192  # answers that are remembered
Amount: TypeAlias = "int | Fraction"  # whole numbers as such: fractions take ten times as long
BINARY = ("KiB", "MiB", "GiB", "TiB")


Extra: TypeAlias = "int | bool | str | list[str]"
Answers: TypeAlias = dict[int, tuple[Any, list[Note]]]  # by target, with what was odd


class Context(Struct, frozen=True):
    """The service a target is resolved for."""

    product: Product
    sold: Sold
    fields: dict[str, str]  # columns of the service itself
    server: Piped | None
    node: str | None = None
    spoken: dict[int, list[Value]] = {}  # by source, filled by the resolver
    answers: list[Answers] = []  # what all services that say the same are told, filled by the resolver


class Named(Struct, frozen=True):
    """The value of an enum: its key here, what the source calls it, and whether the mapping knows it."""

    key: str
    label: str
    mapped: bool


class _Reading(Struct, frozen=True):
    value: Value | None
    text: Piped
    qty: int
    source: Source

    @property
    def where(self) -> str:
        """Where it says so."""
        return self.source.kind if self.value is None else f"{self.value.kind} {self.value.name}"


Ask: TypeAlias = Callable[[Target, Context, list[Note]], Any]


class Resolver:
    """The targets of one mapping file."""

    def __init__(self, mapping: MappingFile):
        self._mapping = mapping
        targets = (*mapping.targets.values(), *mapping.extras.values())
        self._sources = [source for target in targets for source in target.sources]
        self._readers: dict[tuple[str, int], list[int]] = {}
        self._sizes: dict[tuple[int, Piped, Piped | None], Amount | None] = {}
        self._claimed: dict[tuple[str, int], bool] = {}
        self._of_vms = frozenset(map(normalise, mapping.vmid_fields))
        self._deciding = {id(s) for t in targets if t.type != "string" for s in t.sources}
        extras = [s for t in mapping.extras.values() for s in t.sources]
        self._deciding |= set(map(id, extras))
        # What a product or its plan says is the same for all its services.
        self._direct = [s for s in self._sources if s.kind in DIRECT and id(s) in self._deciding]
        self._answers: dict[tuple[Any, ...], Answers] = {}

    def claims(self, value: Value) -> bool:
        """Whether a target or extra, `adoption` or `ignore` of the file speaks of this option, field or addon."""
        key = value.kind, value.id
        if key not in self._claimed:
            self._claimed[key] = self._spoken_of(value)
        return self._claimed[key]

    def size(self, name: str, context: Context, notes: list[Note]) -> int:
        """A number in the unit of the target's name.

        Raises:
            Refused: it is missing, cannot be read, or is outside the target's range.
        """
        size: int = self._answer(self._size, self._mapping.targets[name], context, notes)
        return size

    def _size(self, target: Target, context: Context, notes: list[Note]) -> int:
        name = target.name
        unit = UNITS[BASE_UNIT[name]] if name in BASE_UNIT else 1
        total = self._base(target, context, notes)
        if total is None and all(source.op == "add" for source in target.sources):
            total = 0
        if total is None:
            raise Refused(f"{name}_missing", f"nothing says how much {name} the service has")
        total += sum(self._amount(target, reading, notes) for reading in self._additions(target, context))
        whole, rest = divmod(total, unit)
        if rest:
            raise Refused(f"{name}_unreadable", f"{float(total / unit)} is no whole number of {name}")
        low, high = target.range or (0, 2**31)
        if not low <= whole <= high:
            raise Refused(f"{name}_out_of_range", f"{whole} is not between {low} and {high}")
        return whole

    def named(self, name: str, context: Context, notes: list[Note]) -> Named | None:
        """The value of an enum target, or None when nothing says it.

        Raises:
            Refused: what is said is not in the target's `values`, and the policy is to quarantine.
        """
        target = self._mapping.targets.get(name)
        if target is None:
            return None
        named: Named | None = self._answer(self._named, target, context, notes)
        return named

    def _named(self, target: Target, context: Context, notes: list[Note]) -> Named | None:
        name = target.name
        for reading in self._readings(target, context, notes):
            if (key := translated(target, reading.text)) is not None:
                return Named(key, reading.text.label, True)
            if target.on_unmapped == "passthrough":
                return Named(reading.text.key, reading.text.label, False)
            if target.on_unmapped == "quarantine":
                said = str(reading.text)
                raise Refused(f"{name}_unmapped", f"{reading.where} says {said!r}", said)
        if (fixed := self._fixed(target, context)) is not None:
            return Named(str(fixed), str(fixed), True)
        if target.required:
            raise Refused(f"{name}_missing", f"nothing says which {name} the service has")
        return None

    def text(self, name: str, context: Context, notes: list[Note]) -> Iterator[str]:
        """Everything that is said about a text target, best first."""
        if (target := self._mapping.targets.get(name)) is not None:
            yield from (reading.text.key for reading in self._readings(target, context, notes))
            if (fixed := self._fixed(target, context)) is not None:
                yield str(fixed)

    def extras(self, context: Context, notes: list[Note]) -> dict[str, Extra]:
        """The extras that are said; one that cannot be read is left out with a note.

        Raises:
            Refused: one that is required is not said, is outside its range, or not among the `values` it must have.
        """
        found: dict[str, Extra] = {}
        for name, target in self._mapping.extras.items():
            if (value := self._answer(self._extra, target, context, notes)) is not None:
                found[name] = value
        return found

    def _extra(self, target: Target, context: Context, notes: list[Note]) -> Extra | None:
        said = next(iter(self._readings(target, context, notes)), None)
        value = _extra(target, said) if said else self._unsaid(target, context)
        for reading in self._additions(target, context):
            value = int(str(value or 0)) + _count_of(reading)
        if value is None and said is not None:
            notes.append(Note("extra_unreadable", f"{target.name}: {said.where} says {str(said.text)!r}"))
        if value is None and target.required:
            raise Refused(f"{target.name}_missing", f"nothing says which {target.name} the service has")
        if target.range and isinstance(value, int) and not target.range[0] <= value <= target.range[1]:
            low, high = target.range
            raise Refused(f"{target.name}_out_of_range", f"{value} is not between {low} and {high}")
        return value

    def _unsaid(self, target: Target, context: Context) -> Extra | None:
        """What the operator says of an extra of which the source says nothing."""
        return None if target.default is None else _as_typed(target, str(target.default), str(target.default))

    def _answer(self, ask: Ask, target: Target, context: Context, notes: list[Note]) -> Any:
        """What `ask` says of a target; what the same product with the same values was told is remembered."""
        answers = context.answers[0] if context.answers else self._known(context)
        if (answer := answers.get(id(target))) is None:
            odd: list[Note] = []
            answer = answers[id(target)] = ask(target, context, odd), odd
        notes += answer[1]
        return answer[0]

    def _known(self, context: Context) -> Answers:
        """What a service that says the same was told already, and where to keep what it is told."""
        spoken = self._spoken(context)
        said = [tuple(values) for source, values in spoken.items() if source in self._deciding]
        key = context.product.id, *said, *[_direct(source, context) for source in self._direct]
        if (answers := self._answers.get(key)) is None:
            if len(self._answers) >= MOST:
                self._answers.clear()
            answers = self._answers[key] = {}
        context.answers.append(answers)
        return answers

    def _base(self, target: Target, context: Context, notes: list[Note]) -> Amount | None:
        for reading in self._readings(target, context, notes):
            return self._amount(target, reading, notes)
        fixed = self._fixed(target, context)
        return None if fixed is None else int(fixed) * UNITS[BASE_UNIT.get(target.name, "B")]

    def _amount(self, target: Target, reading: _Reading, notes: list[Note]) -> Amount:
        """Bytes, or a plain number where the target has no unit."""
        if target.name not in BASE_UNIT:
            number = count(reading.text.key)
            amount: Amount | None = count(reading.text.label) if number is None else number
        else:
            amount = self._bytes(reading, notes)
        if amount is None:
            raise Refused(f"{target.name}_unreadable", f"{reading.where} says {str(reading.text)!r}")
        return amount if reading.source.scale == 1 else amount * reading.source.scale

    def _bytes(self, reading: _Reading, notes: list[Note]) -> Amount | None:
        """`_bytes`, remembered where there was nothing to note: many services are of few sizes."""
        key = id(reading.source), reading.text, None if reading.value is None else reading.value.name
        if key not in self._sizes:
            before = len(notes)
            size = _bytes(reading, notes)
            if len(notes) > before:
                return size
            self._sizes[key] = size
        return self._sizes[key]

    def _fixed(self, target: Target, context: Context) -> str | int | None:
        rule = self._mapping.product_rule(context.product.id, context.product.name)
        fixed = rule.set.get(target.name) if rule else None
        return target.default if fixed is None else fixed

    def _readings(self, target: Target, context: Context, notes: list[Note]) -> Iterator[_Reading]:
        for source in target.sources:
            if source.op != "add" and _in_scope(source.scope, context.product):
                found = self._found(source, context)
                if len(found) > 1 and len({reading.text for reading in found}) > 1:
                    notes.append(
                        Note("option_conflict", f"{target.name}: {' and '.join(r.where for r in found)} differ")
                    )
                if found and found[-1].text.label:
                    yield found[-1]

    def _additions(self, target: Target, context: Context) -> Iterator[_Reading]:
        for source in target.sources:
            if source.op == "add" and _in_scope(source.scope, context.product):
                yield from self._found(source, context, stale=False)

    def _found(self, source: Source, context: Context, *, stale: bool = True) -> Sequence[_Reading]:
        """What a source says, lowest id first; rows that are stale only where no live one speaks."""
        if source.kind in SOLD:
            values = self._spoken(context).get(id(source))
            if values is None:
                return ()
            live = [v for v in values if not v.stale]
            chosen = live or (values if stale else [])
            return [_Reading(v, _taken(source, v), v.qty, source) for v in chosen]
        text = _direct(source, context)
        return [_Reading(None, text, 1, source)] if text is not None and text.label else []

    def _spoken(self, context: Context) -> dict[int, list[Value]]:
        """The values of a service by the sources that read them."""
        if not context.spoken:
            for value in context.sold.values:
                if (readers := self._readers.get((value.kind, value.id))) is None:
                    readers = self._read_by(value)
                for reader in readers:
                    context.spoken.setdefault(reader, []).append(value)
        return context.spoken

    def _read_by(self, value: Value) -> list[int]:
        """The sources that read this option, field or addon: the same ones for every service."""
        fitting = [s for s in self._sources if s.kind == value.kind and matches(s.match, value.id, value.name)]
        readers = self._readers[value.kind, value.id] = list(dict.fromkeys(map(id, fitting)))
        return readers

    def _spoken_of(self, value: Value) -> bool:
        words = value.name.key, value.name.label
        if value.kind == "custom_field" and not self._of_vms.isdisjoint(map(normalise, words)):
            return True
        return bool(self._read_by(value)) or any(map(self._mapping.ignores, words))


def matches(match: Match, id: int, name: Piped) -> bool:
    """Whether a source reads an option, field or addon of this id and name."""
    words = (name.key, name.label)
    return (match.id is not None and match.id == id) or any(
        names(pattern, word) for pattern in match.names for word in words
    )


def _in_scope(scope: Scope, product: Product) -> bool:
    return (
        (not scope.products or product.id in scope.products)
        and (not scope.groups or product.group in scope.groups)
        and (not scope.modules or product.module in scope.modules)
    )


def _taken(source: Source, value: Value) -> Piped:
    if source.take == "qty":
        return Piped(str(value.qty), str(value.qty))
    if source.take == "key":
        return Piped(value.reading.key, value.reading.key)
    if source.take == "label":
        return Piped(value.reading.label, value.reading.label)
    return value.reading


def _direct(source: Source, context: Context) -> Piped | None:
    """What the service's own columns, its product, plan or server say."""
    if source.kind == "server":
        return context.server
    said: str | None = None
    if source.kind == "product" and source.match.id is not None:
        said = context.product.settings[source.match.id - 1]
    elif source.kind == "plan" and context.product.plan is not None:
        said = _of_plan(context.product, source.match.field or "")
    elif source.kind == "service":
        said = context.fields.get(source.match.field or "")
    elif source.kind == "pve_node":
        said = context.node
    plain = storable(said or "").strip()
    return Piped(plain, plain) if plain else None


def _of_plan(product: Product, field: str) -> str:
    assert product.plan is not None
    plan = product.plan
    return {"memory": f"{plan.memory} MiB", "vcpus": str(plan.vcpus), "disk": f"{plan.disk} GiB"}[field]


def translated(target: Target, text: Piped) -> str | None:
    """What `values` makes of a text: exact names first, then patterns, the key before the label."""
    return _translated(target.values, text)


@lru_cache(maxsize=8192)  # few images and places, many services
def _translated(values: tuple[tuple[str, str], ...], text: Piped) -> str | None:
    words = tuple(dict.fromkeys((text.key, text.label)))
    for word in words:
        for pattern, value in values:
            if not pattern.startswith("re:") and normalise(pattern) == normalise(word) != "":
                return value
    for word in words:
        for pattern, value in values:
            if pattern.startswith("re:"):
                if re.search(pattern[3:], word):
                    return value
            elif fnmatch.fnmatchcase(word.casefold(), pattern.casefold()):
                return value
    return None


def _extra(target: Target, said: _Reading) -> Extra | None:
    meant = translated(target, said.text) if target.values else None
    if meant is None and target.type == "enum" and target.on_unmapped != "passthrough":
        if target.on_unmapped == "null":
            return None
        raise Refused(f"{target.name}_unmapped", f"{said.where} says {str(said.text)!r}", str(said.text))
    if meant is not None:
        return _as_typed(target, meant, meant)
    return _as_typed(target, said.text.key, said.text.label)


def _as_typed(target: Target, key: str, label: str) -> Extra | None:
    if target.type == "bool":
        return yes_no(key)
    if target.type == "int":
        return count(key)
    if target.type == "ip_list":
        return [address for address, _ in addresses(key).found] or None
    return key if target.type == "enum" else label


def _count_of(reading: _Reading) -> int:
    return (count(reading.text.key) or 0) * reading.source.scale


def _bytes(reading: _Reading, notes: list[Note]) -> Amount | None:
    """The size a reading names: its unit is the mapping's, its own, its label's, its name's, or what is assumed."""
    if (whole := _multiplied(reading)) is not None:
        return whole
    key, label = quantity(reading.text.key), quantity(reading.text.label)
    said = key or label
    if said is None or said.number is None:
        return None
    unit = _unit(reading.source, key, label)
    if unit is None and said.unit is None:
        unit = _named_unit(reading) or _assumed(reading, said.number, notes)
    if not unit:
        return None
    amount = said.number * UNITS[unit]
    return amount.numerator if amount.denominator == 1 else amount


def _unit(source: Source, key: Quantity | None, label: Quantity | None) -> str | None:
    if source.unit:
        return source.unit
    if key is None:
        return label.unit if label and label.unit in UNITS else None
    if key.unit in UNITS:
        return key.unit
    if key.unit is None and key.number is not None and label and label.number is not None and label.unit in UNITS:
        same = label.number * UNITS[str(label.unit)]
        return next((unit for unit in BINARY if key.number * UNITS[unit] == same), "")
    return None


def _multiplied(reading: _Reading) -> Fraction | None:
    """So many pieces of a size, "4 x 256MB": what a quantity says whose unit is a size, unless the mapping says how."""
    if reading.source.unit or reading.source.scale != 1 or (pieces := PIECES.fullmatch(reading.text.label)) is None:
        return None
    piece = quantity(pieces[2])
    if piece is None or piece.number is None or piece.unit not in UNITS:
        return None
    return int(pieces[1]) * piece.number * UNITS[piece.unit]


def _named_unit(reading: _Reading) -> str | None:
    """The unit in a name such as "Memory (GB)" or "disk_gb"."""
    words = (reading.value.name.key, reading.value.name.label) if reading.value is not None else ()
    return next((unit for word in words if (unit := unit_of_name(word)) is not None), None)


def _assumed(reading: _Reading, number: Fraction, notes: list[Note]) -> str | None:
    source = reading.source
    if source.below is not None and number < source.below:
        notes.append(
            Note("unit_heuristic", f"{reading.where}: {str(reading.text)!r} read as {number} {source.below_unit}")
        )
        return source.below_unit
    return source.default_unit
