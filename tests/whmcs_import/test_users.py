"""Clients and users: nobody is merged, nobody is promoted, nobody signs in as somebody else."""

import hashlib

import pytest
from msgspec.structs import replace

from domain import ids
from runtime import passwords
from whmcs_import.mapping import users
from whmcs_import.mapping.users import ClientRow, Membership, UserRow
from whmcs_import.source import values

CLIENT = ClientRow(
    5, "Ann", "O&#039;Brien", "", "Ann@Example.com", "Inactive", "EUR", 1, "Resellers", {"city": "K&ouml;ln"}
)
UNSTORABLE = [
    ("a\x00b,c", ["ab", "c"]),
    ('["a\\u0000", "\\ud800b"]', ["a", "b"]),
    ("[" * 100_000, []),
]
USER = UserRow(9, "Ann", "Lee", "Ann@Example.com", hashlib.md5(b"x").hexdigest(), "")


def members(*rows: Membership) -> tuple[dict[int, str], list[str]]:
    payload, notes = users.account("whmcs", CLIENT, rows, repair=False)
    known = {str(ids.imported("whmcs", "user", str(n))): n for n in range(20)}
    return {known[m["user_id"]]: m["role"] for m in payload["members"]}, [note.code for note in notes]


def test_an_account_is_the_client_in_plain_text() -> None:
    payload, notes = users.account("whmcs", CLIENT, [Membership(9, 5, True, None)], repair=False)
    assert (payload["name"], payload["email"], payload["status"]) == ("Ann O'Brien", "ann@example.com", "inactive")
    assert payload["profile"]["city"] == "Köln"
    assert payload["profile"]["group"] == "Resellers"
    assert notes == []


def test_only_the_owner_is_owner() -> None:
    assert members(Membership(9, 5, True, None), Membership(3, 5, False, "products")) == ({9: "owner", 3: "viewer"}, [])


def test_nobody_becomes_owner_for_want_of_one() -> None:
    assert members(Membership(3, 5, False, "products")) == ({3: "viewer"}, ["no_owner"])


def test_of_two_owners_the_first_stays_owner() -> None:
    assert members(Membership(9, 5, True, None), Membership(4, 5, True, None)) == (
        {4: "owner", 9: "viewer"},
        ["two_owners"],
    )


@pytest.mark.parametrize(
    ("raw", "words"),
    [(None, []), ("", []), ("b,a", ["a", "b"]), ('["b","a"]', ["a", "b"]), ("[broken", ["broken"]), *UNSTORABLE],
)
def test_permissions_are_kept_in_the_sources_words(raw: str | None, words: list[str]) -> None:
    assert users.permissions(raw) == words


def test_a_user_whose_password_cannot_be_verified_is_reported() -> None:
    payload, notes = users.user("whmcs", replace(USER, password="c2VjcmV0", second_factor="totp"), None, repair=False)
    assert (payload["password_scheme"], payload["had_two_factor"], payload["login"]) == ("none", True, True)
    assert [note.code for note in notes] == ["password_unusable", "had_two_factor"]


def test_one_address_signs_in_one_user_and_the_owner_of_servers_comes_first() -> None:
    written = {1: "a@x.org", 2: "A@x.org ", 3: "", 4: "b@x.org"}
    addresses = {id: values.email(text) for id, text in written.items()}
    assert users.login_problems(addresses, {2}, {4}) == {1: "email_collision", 3: "email_invalid", 4: "email_taken"}


def test_who_signs_in_with_an_address_already_goes_on_to() -> None:
    addresses = dict.fromkeys((1, 2, 3), values.email("a@x.org"))
    assert users.login_problems(addresses, {2}, set()) == {1: "email_collision", 3: "email_collision"}
    assert users.login_problems(addresses, {2}, set(), {3}) == {1: "email_collision", 2: "email_collision"}


def test_no_digest_that_can_be_guessed_at_speed_is_compared_or_published() -> None:
    assert users.fingerprint(USER) == "md5"
    bcrypt = "$2y$10$" + "a" * 53
    assert users.fingerprint(replace(USER, password=bcrypt)) == bcrypt


@pytest.mark.parametrize("damaged", ["0" * 32 + ":sa\x00lt", "0" * 64 + ":key\x00", "0" * 32 + ":\ud800"])
def test_a_hash_whose_salt_cannot_be_kept_is_none(damaged: str) -> None:
    payload, notes = users.user("whmcs", replace(USER, password=damaged), None, repair=False)
    assert payload["password_scheme"] == "none"
    assert [note.code for note in notes] == ["password_unusable"]
    assert passwords.import_hash(damaged) is None
