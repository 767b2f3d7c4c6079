"""What a service was sold with: which rows of options, fields and addons count, and what they say. Pure.

Nothing in the source keeps these rows in order: there are no foreign keys and no unique keys, so rows of products a
service no longer has, rows that are there twice and rows that point nowhere are normal.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

from msgspec import Struct

from whmcs_import.mapping.shop import FIELD_TYPES, QUANTITY, YES_NO, CustomField, Option, Shop
from whmcs_import.source.values import Piped, normalise, split_pipe, storable, strip_tags, text, yes_no

OptionRow = tuple[int, int, int | str | None]  # configid, optionid, qty
LIVE_ADDONS = {"active"}
OTHER_ADDONS = {"pending", "suspended", "terminated", "cancelled", "fraud", "completed"}
FieldRow = tuple[int, str]  # fieldid, value
AddonRow = tuple[int, str, str | None, int | str | None]  # addonid, status, name, qty
MOST_NOTES = 50  # of one kind about one service


class Note(Struct, frozen=True):
    """Something about a row that a report should mention."""

    code: str
    detail: str
    value: str = ""  # what the mapping has no value for


class Refused(Exception):
    """The service cannot be imported as it is: `code` names why, the text says what was found.

    `value` is what the mapping has no value for.
    """

    def __init__(self, code: str, detail: str, value: str = ""):
        super().__init__(detail)
        self.code = code
        self.detail = detail
        self.value = value


class Value(Struct, frozen=True):
    """What one option, field or addon says; `stale` when it belongs to a product the service no longer has.

    `unreadable` is the code and detail of why nobody knows what it means.
    """

    kind: str  # option | custom_field | addon
    id: int
    name: Piped
    reading: Piped
    qty: int
    stale: bool = False
    unreadable: tuple[str, str] | None = None


class Memory:
    """What the options of one service said, for the next with the same: many services are of few kinds."""

    MOST = 8192
    LONGEST = 100  # rows; a service with more is one of its kind

    def __init__(self) -> None:
        self._known: dict[tuple[int, tuple[OptionRow, ...], str], Sold] = {}

    def options(self, shop: Shop, product: int, rows: Sequence[OptionRow], stale: str) -> Sold:
        """What the option rows of a service of this product say; not to be changed."""
        key = product, tuple(rows), stale
        if len(rows) > self.LONGEST:
            return _options(shop, *key)
        if (sold := self._known.get(key)) is None:
            if len(self._known) >= self.MOST:
                self._known.clear()
            sold = self._known[key] = _options(shop, *key)
        return sold


@dataclass(slots=True)
class Sold:
    """Everything a service was sold with, and what was odd about it."""

    values: list[Value] = field(default_factory=list)
    notes: list[Note] = field(default_factory=list)


def read(
    shop: Shop,
    product: int,
    options: Sequence[OptionRow],
    fields: Sequence[FieldRow],
    addons: Sequence[AddonRow],
    *,
    stale: str = "use_if_missing",
    memory: Memory | None = None,
) -> Sold:
    """Sort the rows of one service; rows must be in the order in which they were written.

    `memory` is of the same shop.

    Raises:
        Refused: a quantity is negative or no number, or stale rows are there and `stale` is "quarantine".
    """
    of_options = (memory or Memory()).options(shop, product, options, stale)
    sold = Sold([*of_options.values], [*of_options.notes])
    _read_fields(sold, shop, product, fields)
    for id, status, name, qty in addons:
        _read_addon(sold, shop, id, str(status or "").strip().casefold(), name, qty)
    sold.notes = _brief(sold.notes)
    return sold


def _brief(notes: list[Note]) -> list[Note]:
    """Each note once, and of a kind no more than `MOST_NOTES`: a damaged service may have as many as it has rows."""
    counts: Counter[str] = Counter()
    brief = []
    for note in dict.fromkeys(notes):
        counts[note.code] += 1
        if counts[note.code] <= MOST_NOTES:
            brief.append(note)
    more = [Note(code, f"and {count - MOST_NOTES} more") for code, count in counts.items() if count > MOST_NOTES]
    return brief + more


def _read_addon(sold: Sold, shop: Shop, id: int, status: str, name: str | None, qty: int | str | None) -> None:
    label = split_pipe(shop.addons.get(id) or text(name).value or f"addon {id}")
    if status in LIVE_ADDONS:
        amount = 1 if qty is None else _number(label, qty)
        sold.values.append(Value("addon", id, label, Piped(str(amount), str(amount)), amount))
    elif status == "suspended":
        sold.notes.append(Note("addon_suspended", f"{label} is suspended and not counted"))
    elif status not in OTHER_ADDONS:
        unreadable = "addon_status_unknown", f"addon {label}: status {storable(status)!r}"
        sold.values.append(Value("addon", id, label, Piped("", ""), 0, unreadable=unreadable))


def _options(shop: Shop, product: int, rows: Sequence[OptionRow], stale: str) -> Sold:
    sold = Sold()
    _read_options(sold, shop, product, rows, stale)
    return sold


def _read_options(sold: Sold, shop: Shop, product: int, rows: Sequence[OptionRow], stale: str) -> None:
    seen: dict[int, OptionRow] = {}
    for row in rows:
        if row[0] not in shop.options:
            sold.notes.append(Note("broken_reference", f"option {row[0]} does not exist"))
        else:
            seen[row[0]] = _later(sold, shop.options[row[0]], seen.get(row[0]), row)
    for id, row in sorted(seen.items()):
        option = shop.options[id]
        is_stale = (option.group, product) not in shop.linked
        if is_stale:
            _note_stale(sold, option, stale)
        if (reading := _reading(sold, shop, option, row)) is not None and not (is_stale and stale == "ignore"):
            qty = row[2] if isinstance(row[2], int) else 0
            sold.values.append(Value("option", id, option.name, reading, qty, is_stale, _of_unknown_kind(option)))


def _of_unknown_kind(option: Option) -> tuple[str, str] | None:
    if option.kind:
        return None
    return "option_type_unknown", f"option {option.name} is of type {option.type!r}"


def _later(sold: Sold, option: Option, earlier: OptionRow | None, row: OptionRow) -> OptionRow:
    # Only quantities count by qty, so a difference there means nothing for a dropdown.
    if earlier is not None and (earlier[1] != row[1] or (option.kind in (YES_NO, QUANTITY) and earlier[2] != row[2])):
        sold.notes.append(Note("option_conflict", f"{option.name} is there twice; the younger row holds"))
    return row


def _note_stale(sold: Sold, option: Option, policy: str) -> None:
    detail = f"{option.name} belongs to no option group of the product"
    if policy == "quarantine":
        raise Refused("stale_option", detail)
    sold.notes.append(Note("stale_option", detail))


def _reading(sold: Sold, shop: Shop, option: Option, row: OptionRow) -> Piped | None:
    """What a row says, or None when it points nowhere (WHMCS UpdateClientProduct: choices by id, quantities by qty)."""
    _, choice_id, qty = row
    choice = shop.choices.get(choice_id)
    if choice is not None and choice.option != option.id:
        choice = None
    if not option.kind:
        return choice.name if choice else Piped(str(qty), str(qty))
    if option.kind == QUANTITY:
        return _quantity(sold, option, _number(option.name, qty), choice.name.label if choice else "")
    if option.kind == YES_NO:
        return _answer(sold, option, _number(option.name, qty), choice.name if choice else None)
    if choice is None:
        sold.notes.append(Note("broken_reference", f"{option.name}: choice {choice_id} does not exist"))
        return None
    return choice.name


def _number(name: Piped, qty: int | str | None) -> int:
    if not isinstance(qty, int):
        raise Refused("quantity_unreadable", f"{name}: {qty!r}")
    if qty < 0:
        raise Refused("quantity_negative", f"{name}: {qty}")
    return qty


def _quantity(sold: Sold, option: Option, qty: int, unit: str) -> Piped:
    if option.maximum and qty > option.maximum:
        sold.notes.append(Note("quantity_over_maximum", f"{option.name}: {qty} of {option.maximum}"))
    return Piped(str(qty), f"{qty} {unit}".strip())


def _answer(sold: Sold, option: Option, qty: int, choice: Piped | None) -> Piped:
    said = yes_no(choice.key) if choice else None
    if said is not None and said != (qty > 0):
        sold.notes.append(Note("yes_no_contradiction", f"{option.name}: quantity {qty}, choice {choice}"))
    word = "yes" if qty > 0 else "no"
    return Piped(word, word)


def _read_fields(sold: Sold, shop: Shop, product: int, rows: Iterable[FieldRow]) -> None:
    by_name: dict[str, list[tuple[CustomField, str]]] = {}
    for id, value in rows:
        if (known := shop.fields.get(id)) is not None:
            by_name.setdefault(normalise(known.name.key), []).append((known, value))
    for said in by_name.values():
        if len(said) == 1:
            _read_single(sold, *said[0], product)
        else:
            _read_namesakes(sold, said, product)


def _read_namesakes(sold: Sold, said: list[tuple[CustomField, str]], product: int) -> None:
    """One name: the field of the service's product counts, then a field of every product, then an older product's."""

    def rank(custom: CustomField) -> tuple[int, int]:
        return (0 if custom.product == product else 1 if custom.product == 0 else 2), -custom.id

    by_field: dict[int, list[str]] = {}
    for custom, value in said:
        by_field.setdefault(custom.id, []).append(value)
    for custom in sorted({custom.id: custom for custom, _ in said}.values(), key=rank):
        if _read_field(sold, custom, by_field[custom.id], product):
            return


def _read_single(sold: Sold, custom: CustomField, value: str, product: int) -> None:
    """`_read_field` of a field that is there once."""
    if not (said := value.strip()):
        return
    if custom.product not in (0, product):
        sold.notes.append(_of_old_product(custom))
    sold.values.append(_field_value(custom, said))


def _of_old_product(custom: CustomField) -> Note:
    return Note("field_of_old_product", f"{custom.name} is a field of product {custom.product}")


def _read_field(sold: Sold, custom: CustomField, values: list[str], product: int) -> bool:
    """Whether a field says anything; what was written last counts."""
    said = [value.strip() for value in values if value and not value.isspace()]
    if not said:
        return False
    if len(values) > 1 and (len(set(said)) > 1 or not values[-1].strip()):
        sold.notes.append(Note("field_conflict", f"{custom.name} is there {len(values)} times"))
    if custom.product not in (0, product):
        sold.notes.append(_of_old_product(custom))
    sold.values.append(_field_value(custom, said[-1]))
    return True


def _field_value(custom: CustomField, said: str) -> Value:
    if custom.kind in FIELD_TYPES:
        return Value("custom_field", custom.id, custom.name, _field_reading(custom, said), 1)
    unreadable = "field_type_unknown", f"custom_field {custom.name} is of type {custom.kind!r}"
    return Value("custom_field", custom.id, custom.name, Piped("", ""), 1, unreadable=unreadable)


def _field_reading(custom: CustomField, raw: str) -> Piped:
    if custom.kind == "tickbox":
        word = "yes" if yes_no(raw) else "no"
        return Piped(word, word)
    if custom.kind == "textarea":
        lines = storable(raw).replace("\r\n", "\n")
        return Piped(lines, lines)
    plain = text(strip_tags(raw) if custom.kind == "link" else raw).value
    return split_pipe(plain)
