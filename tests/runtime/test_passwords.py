"""Every form a password may be imported in opens with the password and with nothing else."""

import hashlib
import hmac

import bcrypt
import pytest

from runtime import passwords


def _md5_salt(salt: str, password: str) -> str:
    return f"{hashlib.md5((salt + password).encode()).hexdigest()}:{salt}"


def _bcrypt(password: bytes, prefix: bytes = b"2b", cost: int = 4) -> str:
    hashed = bcrypt.hashpw(password, bcrypt.gensalt(cost))
    return hashed.replace(b"$2b$", b"$" + prefix + b"$", 1).decode()


def test_our_own_hash_opens_with_its_password_alone() -> None:
    stored = passwords.hash_password("correct horse")
    assert stored.startswith("$argon2id$")
    assert passwords.verify("argon2id", stored, "correct horse")
    assert not passwords.verify("argon2id", stored, "correct horses")
    assert not passwords.needs_rehash("argon2id", stored)


@pytest.mark.parametrize(
    ("scheme", "raw"),
    [
        ("md5", hashlib.md5(b"s3cret").hexdigest()),
        ("md5", hashlib.md5(b"s3cret").hexdigest().upper()),
        ("md5_salt", _md5_salt("R(IDy", "s3cret")),
        ("md5_salt", _md5_salt("a:b", "s3cret")),
        ("md5_salt", _md5_salt("ü\u00df", "s3cret")),
        ("sha256_key", f"{hmac.new(b'k:1', b's3cret', 'sha256').hexdigest()}:k:1"),
        ("bcrypt", _bcrypt(b"s3cret", b"2y")),
        ("bcrypt", _bcrypt(b"s3cret", b"2a")),
        ("bcrypt", _bcrypt(b"s3cret", b"2b", cost=5)),
    ],
    ids=[str(n) for n in range(9)],  # salts differ between processes, names may not
)
def test_an_imported_hash_opens_with_its_password_alone(scheme: str, raw: str) -> None:
    imported = passwords.import_hash(raw)
    assert imported is not None
    assert imported[0] == passwords.scheme_of(raw) == scheme
    assert passwords.verify(*imported, "s3cret")
    assert not passwords.verify(*imported, "S3cret")
    assert not passwords.verify(*imported, "")
    assert passwords.needs_rehash(*imported)


@pytest.mark.parametrize("salt", ["a\ufffdb", "\x00", "\udc80"])
def test_a_hash_whose_salt_was_damaged_on_the_way_opens_to_nobody(salt: str) -> None:
    assert passwords.import_hash(f"{'0' * 32}:{salt}") is None
    assert passwords.import_hash(f"{'0' * 64}:{salt}") is None


@pytest.mark.parametrize("raw", [hashlib.md5(b"x").hexdigest(), _md5_salt("R(IDy", "x")])
def test_no_bare_digest_is_kept(raw: str) -> None:
    imported = passwords.import_hash(raw)
    assert imported is not None
    assert raw.partition(":")[0] not in imported[1]


@pytest.mark.parametrize("raw", ["", "*", "c29tZSBjaXBoZXJ0ZXh0", "$2y$10$tooshort", "deadbeef", "$1$abc$def"])
def test_what_is_no_hash_is_not_imported(raw: str) -> None:
    assert passwords.import_hash(raw) is None


@pytest.mark.parametrize("escaped", [False, True])
def test_a_password_escaped_before_hashing_opens_too(escaped: bool) -> None:
    typed = "a&b<\"c'>"
    hashed = "a&amp;b&lt;&quot;c&#039;&gt;" if escaped else typed
    for raw in (_md5_salt("salt5", hashed), _bcrypt(hashed.encode())):
        imported = passwords.import_hash(raw)
        assert imported is not None
        assert passwords.verify(*imported, typed)


def test_bcrypt_counts_72_bytes_as_php_does() -> None:
    long = "ü" * 36 + "tail"
    raw = _bcrypt(long.encode()[:72])
    assert passwords.verify("bcrypt", raw, long)
    assert passwords.verify("bcrypt", raw, "ü" * 36 + "other tail")
    assert not passwords.verify("bcrypt", raw, "ü" * 35 + "x")


@pytest.mark.parametrize(
    ("scheme", "stored"),
    [("none", ""), ("md5", "not a hash"), ("bcrypt", "$2y$"), ("argon2id", ""), ("plain", "s3cret")],
)
def test_what_is_broken_or_unknown_opens_to_nothing(scheme: str, stored: str) -> None:
    assert not passwords.verify(scheme, stored, "s3cret")
    assert not passwords.verify(scheme, stored, stored)


def test_a_password_that_is_no_text_is_simply_wrong() -> None:
    imported = passwords.import_hash(hashlib.md5(b"x").hexdigest())
    assert imported is not None
    assert not passwords.verify(*imported, "\udcff")
    assert not passwords.verify("argon2id", passwords.hash_password("x"), "\udcff")
