"""The readers of single values: examples from real installations and properties."""

import string
from datetime import date
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from whmcs_import.source import values
from whmcs_import.source.values import Piped, Quantity, split_pipe


@pytest.mark.parametrize(
    ("text", "mib"),
    [
        ("4 GB", 4096),
        ("4096MB", 4096),
        ("4g", 4096),
        ("0.5 GB", 512),
        ("1,5 GB", 1536),
        ("2,048 MB", 2048),
        ("1,048,576 KiB", 1024),
        ("2TB", 2 * 1024 * 1024),
        ("4 GB DDR4 ECC", 4096),
        ("４ GB", 4096),
        ("4Go", 4096),
        ("\u00a04\u00a0GiB ", 4096),
    ],
)
def test_sizes_with_a_unit_are_read(text: str, mib: int) -> None:
    read = values.quantity(text)
    assert read is not None
    assert read.whole("MiB") == mib


@pytest.mark.parametrize(
    "text", ["", "lots", "GB 4", "4 GB + 2 GB", "2 x 512 MB", "1.024.5", "-4", "4,0,9", "50 % GB", "٤ GB"]
)
def test_what_is_not_one_number_is_not_read(text: str) -> None:
    assert values.quantity(text) is None


def test_a_bare_number_has_no_unit_and_a_fraction_of_a_unit_is_no_whole_number() -> None:
    assert values.quantity("4") == Quantity(Fraction(4))
    assert values.Quantity(Fraction(4)).whole("MiB") is None
    assert values.Quantity(Fraction(4)).whole("MiB", "GiB") == 4096
    assert values.Quantity(Fraction(1, 2), "MiB").whole("MiB") is None


def test_a_word_that_is_no_unit_is_not_taken_for_a_bare_number() -> None:
    read = values.quantity("4 Gigs")
    assert read is not None
    assert read.whole("MiB", assumed="MiB") is None


@pytest.mark.parametrize("text", ["Unlimited", "∞", "-1", " UNMETERED "])
def test_unlimited_is_no_number(text: str) -> None:
    read = values.quantity(text)
    assert read is not None
    assert read.number is None
    assert read.whole("MiB") is None


@pytest.mark.parametrize(
    ("text", "n"), [("4", 4), ("4 Cores", 4), ("2x vCPU", 2), ("200%", 2), ("2x", 2), ("50%", None), ("4 GB", None)]
)
def test_counts(text: str, n: int | None) -> None:
    assert values.count(text) == n


@given(st.integers(1, 10**6), st.sampled_from(sorted(values.UNITS)), st.sampled_from(["", " ", "  "]))
def test_every_size_that_is_written_is_read_back(n: int, unit: str, space: str) -> None:
    for text in (f"{n}{space}{unit}", f"{n}{space}{unit.lower()}", f"{n:,}{space}{unit.upper()}"):
        read = values.quantity(text)
        assert read is not None
        assert read.whole("B") == n * values.UNITS[unit]


@given(st.text(max_size=40))
def test_no_text_breaks_a_reader(text: str) -> None:
    values.quantity(text)
    values.count(text)
    values.addresses(text)
    values.day(text)
    values.email(text)
    values.hostname(text)
    assert "\x00" not in values.text(text).value


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("RAM|Memory", Piped("RAM", "Memory")),
        ("4096|4 GB", Piped("4096", "4 GB")),
        (" 4096 | 4 GB ", Piped("4096", "4 GB")),
        ("a|b|c", Piped("a", "b|c")),
        ("|4 GB", Piped("4 GB", "4 GB")),
        ("4096|", Piped("4096", "4096")),
        ("plain", Piped("plain", "plain")),
    ],
)
def test_pipes_split_once(text: str, expected: Piped) -> None:
    assert split_pipe(text) == expected


@given(st.text(alphabet=string.printable.replace("|", ""), max_size=20), st.text(max_size=20))
def test_what_stands_before_the_first_pipe_is_the_key(key: str, label: str) -> None:
    piped = split_pipe(f"{key}|{label}")
    assert piped.key == (key.strip() or label.strip())
    assert piped.label == (label.strip() or key.strip())


@pytest.mark.parametrize(
    ("a", "b"),
    [("CPU Cores", "cpu_cores"), ("ＲＡＭ", "ram"), ("Disk\u00a0Space", "disk space"), ("CPU核心数", "cpu 核心数")],
)
def test_names_are_compared_without_width_case_and_punctuation(a: str, b: str) -> None:
    assert values.normalise(a) == values.normalise(b)


def test_letters_of_another_script_are_kept() -> None:
    assert values.normalise("ОЗУ") != values.normalise("RAM")
    assert values.normalise("ОЗУ")


@pytest.mark.parametrize(
    ("texts", "found", "junk"),
    [
        (["1.2.3.4:8443"], [("1.2.3.4", None)], []),
        ([" 1.2.3.4 "], [("1.2.3.4", None)], []),
        (["1.2.3.4/24"], [("1.2.3.4", 24)], []),
        (["[2001:DB8::1]:443"], [("2001:db8::1", None)], []),
        (["1.2.3.4", "1.2.3.4\r\n1.2.3.5,1.2.3.6"], [("1.2.3.4", None), ("1.2.3.5", None), ("1.2.3.6", None)], []),
        (["N/A"], [], ["N/A"]),
        (["AA:BB:CC:00:11:22=1.2.3.4;vmbr2,1250"], [("1.2.3.4", None)], ["vmbr2", "1250"]),
        (["0.0.0.0 127.0.0.1"], [], ["0.0.0.0", "127.0.0.1"]),
        (["255.255.255.255 240.0.0.1"], [], ["255.255.255.255", "240.0.0.1"]),
        (["192.0.2.8/29", "2001:db8::/64"], [], ["192.0.2.8/29", "2001:db8::/64"]),
        (["192.0.2.8/31 192.0.2.9/32"], [("192.0.2.8", 31), ("192.0.2.9", 32)], []),
        (["::ffff:192.0.2.5"], [("192.0.2.5", None)], []),
        (["1.2.3.4", "1.2.3.4/24"], [("1.2.3.4", 24)], []),
        (["1.2.3.4&#10;1.2.3.5&amp;"], [("1.2.3.4", None)], ["1.2.3.5&"]),
    ],
)
def test_address_fields(texts: list[str], found: list[tuple[str, int | None]], junk: list[str]) -> None:
    read = values.addresses(*texts)
    assert list(read.found) == found
    assert list(read.junk) == junk


@given(st.lists(st.ip_addresses(v=4).filter(lambda ip: ip.is_global and not ip.is_multicast), max_size=8))
def test_a_list_of_addresses_is_read_whole_and_each_once(ips: list[object]) -> None:
    read = values.addresses("\r\n".join(str(ip) for ip in ips))
    assert [address for address, _ in read.found] == list(dict.fromkeys(str(ip) for ip in ips))
    assert read.junk == ()


@pytest.mark.parametrize(
    ("raw", "iso", "problem"),
    [
        ("2026-11-22", "2026-11-22", None),
        ("2026-11-22 10:11:12", "2026-11-22", None),
        ("0000-00-00", None, None),
        ("0000-00-00 00:00:00", None, None),
        (None, None, None),
        ("2024-02-30", None, "date_impossible"),
        ("2024-02-00", None, "date_impossible"),
        ("0202-01-01", None, "date_implausible"),
        ("2099-12-31", "2099-12-31", None),
        ("9999-12-31", None, "date_implausible"),
        ("20261231", None, "date_impossible"),
        ("2026-W01-1", None, "date_impossible"),
        ("2026-12-31x", None, "date_impossible"),
        ("31.12.2026", None, "date_impossible"),
    ],
)
def test_dates(raw: str | None, iso: str | None, problem: str | None) -> None:
    assert values.day(raw) == values.Date(iso, problem)


@given(st.dates(min_value=date(1990, 1, 1), max_value=date(2100, 12, 31)))
def test_every_plausible_date_is_read(value: object) -> None:
    assert values.day(str(value)) == values.Date(str(value))


@pytest.mark.parametrize(
    ("raw", "value", "notes"),
    [
        ("O&#039;Brien &amp; Sons", "O'Brien & Sons", ()),
        ("A &amp;amp; B", "A &amp; B", ("double_encoded",)),
        ("R&D &copy 2020", "R&D &copy 2020", ()),
        ("R&D&notit; x", "R&D&notit; x", ()),
        ("nul\x00l", "null", ("illegal_characters_removed",)),
        ("evil\u202etxt", "evil\u202etxt", ("control_characters",)),
        ("Größe", "Größe", ()),
        (None, "", ()),
    ],
)
def test_stored_text_is_decoded_once(raw: str | None, value: str, notes: tuple[str, ...]) -> None:
    assert values.text(raw) == values.Text(value, notes)


def test_mojibake_is_mended_only_when_asked_and_only_where_it_is_some() -> None:
    assert values.text("JosÃ© MÃ¼ller", repair=True) == values.Text("José Müller", ("mojibake_repaired",))
    assert values.text("JosÃ©") == values.Text("JosÃ©", ("mojibake_suspected",))
    assert values.mojibake("â‚¬ 5") == "€ 5"
    assert values.mojibake("IRMÃ SILVA") is None
    assert values.mojibake("MÃƒÂ¼ller") == "Müller"


@pytest.mark.parametrize(
    ("name", "unit"),
    [
        *(
            ("RAM (MB)", "MB"),
            ("memory_gb", "GB"),
            ("Disk (GiB)", "GiB"),
            ("磁盘大小GB", "GB"),
            ("Storage in ＴＢ", "TB"),
        ),
        *(("Extra RAM (x512MB)", None), ("RAM", None), ("Rgb", None), ("GB per month", None), ("", None)),
    ],
)
def test_the_unit_in_a_name_is_read_unless_it_is_of_a_number(name: str, unit: str | None) -> None:
    assert values.unit_of_name(name) == unit


@given(st.text(alphabet="äöüßéèñçøåÄÖÜ€–“”aeiou ", min_size=1).filter(lambda t: any(ord(c) > 127 for c in t)))
def test_mojibake_made_of_any_latin_text_is_found_and_mended(text: str) -> None:
    try:
        broken = text.encode("utf-8").decode("cp1252")
    except UnicodeDecodeError:
        return
    assert values.mojibake(broken) == text


@given(st.text(alphabet=string.ascii_letters + " &;#<>'\"", max_size=30))
def test_text_escaped_once_is_decoded_back(raw: str) -> None:
    escaped = raw.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;").replace("'", "&#039;")
    assert values.decode_entities(escaped) == raw


@pytest.mark.parametrize(
    ("raw", "address", "problem"),
    [
        ("JOSE@x.com", "jose@x.com", None),
        ("jose@x.com ", "jose@x.com", None),
        ("", None, "email_invalid"),
        ("n/a", None, "email_invalid"),
        ("a@b", None, "email_invalid"),
        ("a@x.com, b@x.com", None, "email_invalid"),
        ("a&amp;b@x.com", "a&b@x.com", None),
    ],
)
def test_emails(raw: str, address: str | None, problem: str | None) -> None:
    assert values.email(raw) == values.Email(address, problem)


@pytest.mark.parametrize(
    ("raw", "name"),
    [
        ("vps1.example.com", "vps1.example.com"),
        ("MY SERVER", "my-server"),
        ("vps_1.example.com", "vps-1.example.com"),
        ("bücher.example", "xn--bcher-kva.example"),
        ("", None),
        ("---", None),
    ],
)
def test_host_names(raw: str, name: str | None) -> None:
    assert values.hostname(raw) == name


def test_megabytes_where_a_name_or_an_address_stands_are_read_in_no_time() -> None:
    assert values.hostname("web1." + "é" * 8_000_000) == "web1"
    assert values.addresses("192.0.2.7," * 100_000 + "x," * 1_000_000).junk == ("x",)


@given(st.text(max_size=400))
def test_a_host_name_is_always_a_valid_one(raw: str) -> None:
    name = values.hostname(raw)
    if name is not None:
        assert len(name) <= 253
        for label in name.split("."):
            assert 0 < len(label) <= 63
            assert set(label) <= set(string.ascii_lowercase + string.digits + "-")
            assert not label.startswith("-")
            assert not label.endswith("-")


@pytest.mark.parametrize(
    ("text", "expected"), [("Yes", True), ("on", True), ("No", False), ("", False), ("maybe", None)]
)
def test_yes_and_no(text: str, expected: bool | None) -> None:
    assert values.yes_no(text) is expected
