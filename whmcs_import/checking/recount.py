"""What the fields of a server should be, told once more by other code than the one that mapped them.

The grammar of the mapping file is shared, nothing else: names, numbers and texts are read here anew, so that a mistake
in `options.py`, `targets.py` or `values.py` shows. Where rows contradict each other every answer that one of them
supports is admitted; what nobody can tell here is `UNTOLD`.
"""

from __future__ import annotations

import fnmatch
import html
import re
import unicodedata
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from fractions import Fraction

from whmcs_import.mapping.mapping_file import MappingFile, ProductRule, Source, Target

KIB = {"k": 1, "m": 1024, "g": 1024**2, "t": 1024**3}
PER = {"memory_mib": 1024, "disk_gib": 1024**2}
YES = re.compile(r"(yes|on|1|true|y|ja|oui|s[ií]|enabled)", re.IGNORECASE)
NAMED_UNIT = re.compile(r"(?<![0-9a-z])([kmgt])i?b\W*$")
PIECES = re.compile(r"(\d+) +[x×]? *(\d.*)")
NUMBER = re.compile(r"(\d[\d.,]*)\s*(%?)\s*([^\W\d_]*)")
UNTOLD = "nothing said"
UNNAMED = "", "unknown", False
Text = tuple[str, str, str]  # key, label, and the name of what says it


@dataclass(frozen=True, slots=True)
class Thing:
    """An option, custom field or addon of a service as its row has it: `name` and `says` are not split yet."""

    kind: str
    id: int
    name: str
    says: str
    qty: int = 1
    live: bool = True


@dataclass(slots=True)
class Sale:
    """A service with what was sold: `plan` is what its module has of the product, in MiB, cores and GiB."""

    product: int
    product_name: str
    group: int
    module: str
    settings: tuple[str, ...]
    columns: dict[str, str]
    server: str
    node: str = ""
    plan: dict[str, int] = field(default_factory=dict)
    things: list[Thing] = field(default_factory=list)


class Recount:
    """The answers for one mapping file."""

    def __init__(self, file: MappingFile):
        self._file = file

    def sizes(self, name: str, sale: Sale) -> set[int]:
        """Every number that the target may be; none where no row says it."""
        target = self._file.targets[name]
        added = sum(
            (self._measured(name, s, t) or 0 for s in _used(target, sale, add=True) for t in _heard(s, sale)), 0
        )
        said = [self._measured(name, source, text) for source, text in self._first(target, sale)]
        fixed = self._fixed(target, sale)
        if not said and fixed is not None:
            said = [Fraction(int(fixed)) * PER.get(name, 1)]
        if not said and all(source.op == "add" for source in target.sources):
            said = [Fraction(0)]
        wholes = [(number + added) / PER.get(name, 1) for number in said if number is not None]
        return {int(whole) for whole in wholes if whole.denominator == 1}

    def names(self, name: str, sale: Sale) -> set[tuple[str, str, bool]]:
        """Every key that the image or location may have, what it is called there, and whether the mapping knows it."""
        if (target := self._file.targets.get(name)) is None:
            return {UNNAMED}
        found: set[tuple[str, str, bool]] = set()
        for source in _used(target, sale):
            for key, label, _ in _heard(source, sale):
                translated = _translated(target, key, label)
                if translated is not None:
                    found.add((translated, label, True))
                elif target.on_unmapped != "null":
                    found.add((key, label, False))
            if found:
                return found
        fixed = self._fixed(target, sale)
        return {UNNAMED if fixed is None else (str(fixed), str(fixed), True)}

    def texts(self, name: str, sale: Sale) -> list[str]:
        """Everything that is said about a text target."""
        target = self._file.targets.get(name)
        return [] if target is None else [text[0] for source in _used(target, sale) for text in _heard(source, sale)]

    def extras(self, sale: Sale) -> dict[str, set[object]]:
        """What may be kept beside the server, by the operator's names."""
        return {name: self._extra(target, sale) for name, target in self._file.extras.items()}

    def plan(self, sale: Sale) -> str | None:
        """The key of the plan that a product is; None where it is one of its own."""
        rule = self._rule(sale)
        return None if rule is None else rule.plan

    def skips(self, sale: Sale) -> bool | None:
        """Whether the operator leaves the product out; None when the file does not speak of it."""
        rule = self._rule(sale)
        return None if rule is None else rule.skip is not None

    def cluster(self, server: int) -> str | None:
        """The cluster of a row of tblservers."""
        return self._file.servers.get(server)

    def names_vm(self, field: str) -> bool:
        """Whether a custom field of this name holds a VMID."""
        return any(map(bare_in(field), map(bare, self._file.vmid_fields)))

    def username_is_vmid(self, module: str) -> bool:
        """Whether this module keeps the VMID as user name."""
        return module in self._file.username_is_vmid

    def _extra(self, target: Target, sale: Sale) -> set[object]:
        added = [_count(t[0]) * s.scale for s in _used(target, sale, add=True) for t in _heard(s, sale)]
        more = sum(added)
        said: list[object] = []
        for _, (key, label, _) in self._first(target, sale):
            meant = _translated(target, key, label) if target.values else None
            if meant is None and target.type == "enum" and target.on_unmapped == "null":
                said.append(UNTOLD)
            else:
                said.append(_typed(target, *((key, label) if meant is None else (meant, meant)), more))
        if not said and not added and target.default is not None:
            said.append(_typed(target, str(target.default), str(target.default), 0))
        return set(said or ([more] if added else [UNTOLD]))

    def _first(self, target: Target, sale: Sale) -> list[tuple[Source, Text]]:
        """What the best source says that says anything."""
        for source in _used(target, sale):
            if said := [(source, text) for text in _heard(source, sale) if text[1]]:
                return said
        return []

    def _measured(self, name: str, source: Source, text: Text) -> Fraction | None:
        """KiB, or a plain number of cores."""
        if name not in PER:
            said = [_number(part) for part in text[:2]]
            return Fraction(_count(*text[:2])) * source.scale if any(said) else None
        read = _kib(source, *text)
        return None if read is None else read * source.scale

    def _fixed(self, target: Target, sale: Sale) -> str | int | None:
        rule = self._rule(sale)
        mine = rule.set.get(target.name) if rule is not None else None
        return target.default if mine is None else mine

    def _rule(self, sale: Sale) -> ProductRule | None:
        by_id = [rule for key, rule in self._file.products if key == str(sale.product)]
        by_name = [rule for key, rule in self._file.products if called(key, sale.product_name)]
        return next(iter(by_id + by_name), None)


def _typed(target: Target, key: str, label: str, more: int) -> object:
    if target.type == "bool":
        return YES.fullmatch(key.strip()) is not None
    if target.type == "int":
        return _count(key) + more
    if target.type == "ip_list":
        words = (word.split("/")[0] for word in re.split(r"[\s,;]+", key))
        return tuple(
            word.lower() for word in words if re.fullmatch(r"[0-9.]{7,15}|[0-9A-Fa-f:.]+:[0-9A-Fa-f:.]*", word)
        )
    return key if target.type == "enum" else label


def bare(text: str) -> str:
    """What counts of a name: letters and digits, whatever their width and case."""
    return "".join(c for c in unicodedata.normalize("NFKC", text).casefold() if c.isalnum())


def bare_in(name: str) -> Callable[[str], bool]:
    """Whether a bare name is one of the two sides of `name`."""
    sides = {bare(side) for side in sides_of(name)}
    return lambda wanted: wanted in sides


def sides_of(raw: str) -> tuple[str, str]:
    """What stands before the first pipe and after it."""
    key, _, label = clean(raw).partition("|")
    key, label = key.strip(), label.strip()
    return key or label, label or key


def clean(raw: str) -> str:
    """A text with its entities decoded, without what no database here can hold."""
    decoded = re.sub(r"&#?\w{1,31};", lambda entity: html.unescape(entity[0]), raw)
    return "".join(c for c in decoded if c != "\0" and not "\ud800" <= c <= "\udfff").strip()


def called(pattern: str, *words: str) -> bool:
    """Whether one of the words is meant by an alias, a glob or a `re:` pattern."""
    if pattern.startswith("re:"):
        return any(re.search(pattern[3:], word) for word in words)
    if re.search(r"[*?]", pattern):
        glob = re.compile(fnmatch.translate(pattern.casefold()))
        plain = [unicodedata.normalize("NFKC", word).casefold().strip() for word in words]
        return any(glob.match(word) or word == pattern.casefold() for word in plain)
    return bare(pattern) in map(bare, words)


def _used(target: Target, sale: Sale, *, add: bool = False) -> Iterator[Source]:
    for source in target.sources:
        scope = source.scope
        fits = (
            sale.product in (scope.products or (sale.product,))
            and sale.group in (scope.groups or (sale.group,))
            and sale.module in (scope.modules or (sale.module,))
        )
        if fits and (source.op == "add") == add:
            yield source


def _heard(source: Source, sale: Sale) -> list[Text]:
    """What a source says in each row it reads, of the live ones if there are any."""
    if source.kind in ("option", "custom_field", "addon"):
        things = [t for t in sale.things if t.kind == source.kind and _meant(source, t)]
        if source.op == "add" or any(thing.live for thing in things):
            things = [thing for thing in things if thing.live]
        return [text for text in (_taken(source, thing) for thing in things) if text[0]]
    said = {
        "server": sale.server,
        "pve_node": sale.node,
        "service": sale.columns.get(source.match.field or "", ""),
        "product": sale.settings[(source.match.id or 1) - 1],
        "plan": str(sale.plan.get(source.match.field or "", "")),
    }[source.kind].strip()
    if source.kind == "plan" and said and source.match.field != "vcpus":
        said += {"memory": " MiB", "disk": " GiB"}[source.match.field or "memory"]
    return [(said, said, "")] if said else []


def _meant(source: Source, thing: Thing) -> bool:
    if source.match.id is not None and source.match.id == thing.id:
        return True
    return any(called(pattern, *sides_of(thing.name)) for pattern in source.match.names)


def _taken(source: Source, thing: Thing) -> Text:
    key, label = sides_of(thing.says)
    ways = {"qty": (str(thing.qty),) * 2, "key": (key, key), "label": (label, label)}
    return (*ways.get(source.take, (key, label)), thing.name)


def _translated(target: Target, *words: str) -> str | None:
    plain = [(pattern, value) for pattern, value in target.values if not pattern.startswith("re:")]
    for word in words:
        for pattern, value in plain:
            if bare(word) and bare(pattern) == bare(word):
                return value
    for word in words:
        for pattern, value in target.values:
            if pattern.startswith("re:") and re.search(pattern[3:], word):
                return value
            if not pattern.startswith("re:") and fnmatch.fnmatchcase(word.casefold(), pattern.casefold()):
                return value
    return None


def _number(text: str) -> tuple[Fraction, str] | None:
    """The number a text begins with, and the letter of its unit: k, m, g, t, %, or nothing."""
    found = NUMBER.match(unicodedata.normalize("NFKC", text).strip())
    if found is None:
        return None
    digits, percent, word = found.groups()
    digits = digits.rstrip(".,")
    grouped = re.fullmatch(r"\d{1,3}(,\d{3})+(\.\d+)?", digits)
    try:
        number = Fraction(digits.replace(",", "") if grouped else digits.replace(",", "."))
    except ValueError:
        return None
    unit = re.fullmatch(r"([kmgt])(i?b|o)?", word.casefold())
    return number, percent or (unit[1] if unit else "")


def _count(*texts: str) -> int:
    for text in texts:
        if (read := _number(text)) is not None:
            return int(read[0] / 100 if read[1] == "%" else read[0])
    return 0


def _kib(source: Source, key: str, label: str, name: str) -> Fraction | None:
    said = [(read, text) for text in (key, label) if (read := _number(text)) is not None]
    if not said:
        return None
    (number, letter), text = said[0]
    if not source.unit and source.scale == 1 and (pieces := PIECES.fullmatch(label)):
        piece = _number(pieces[2])
        return int(pieces[1]) * piece[0] * KIB[piece[1]] if piece and piece[1] in KIB else None
    if source.unit:
        return number * KIB[source.unit[0].casefold()]
    if letter in KIB:
        return number * KIB[letter]
    if text == key and len(said) == 2 and said[1][0][1] in KIB:
        return said[1][0][0] * KIB[said[1][0][1]]  # what the label says in full
    if (named := NAMED_UNIT.search(clean(name).casefold())) is not None:
        return number * KIB[named[1]]
    if source.below is not None and number < source.below:
        return number * KIB[str(source.below_unit)[0].casefold()]
    return number * KIB[source.default_unit[0].casefold()] if source.default_unit else None


def plan_of(rows: Iterable[tuple[object, ...]]) -> dict[str, dict[str, int]]:
    """The plans of a module by id, of rows of id, sockets, cores, MiB and GiB; what is no number makes no plan."""
    plans: dict[str, dict[str, int]] = {}
    for id, sockets, cores, memory, disk in rows:
        try:
            sizes = {
                "vcpus": int(str(sockets or 1)) * int(str(cores or 1)),
                "memory": int(str(memory)),
                "disk": int(str(disk)),
            }
        except ValueError:
            continue
        if min(sizes.values()) > 0:
            plans[str(id)] = sizes
    return plans
