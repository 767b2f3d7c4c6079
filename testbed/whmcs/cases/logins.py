"""Passwords of every age, second factors, and sign-in by others."""

from testbed.whmcs.cases.common import last_user
from testbed.whmcs.passwords import (
    Password,
    bcrypted,
    md5_escaped,
    md5_plain,
    md5_salted,
    random_password,
    salt_of,
    sha256_keyed,
    unusable,
)
from testbed.whmcs.people import add_client, add_owner, add_user, join
from testbed.whmcs.stage import Stage

# Hashing at this cost takes a second: it was done once.
COST_14 = Password("Forty-Two-Giraffes", "$2y$14$abcdefghijklmnopqrstuuW5iCbVQg6hgD3ZJbaNI.bVmzvqC5w4q", "bcrypt")


def e13_hash_zoo(stage: Stage) -> None:
    """Hashes of every age."""
    word = random_password(stage.chance)
    zoo: dict[str, Password] = {
        "md5": md5_plain(word),
        "colon": md5_salted(word, "a:b:ü"),
        "sha256": sha256_keyed(word, "k3y:with:colons"),
        "2a": bcrypted(word, stage.chance, variant="2a", cost=4),
        "2b": bcrypted(word, stage.chance, variant="2b", cost=4),
        "long": bcrypted("ü" * 30 + word, stage.chance, cost=4),
        "cipher": unusable("bXVmZmluIG1hbg9vdGhlciBjaXBoZXI="),
    }
    for slug, password in zoo.items():
        stage.sell(add_owner(stage.world, "E13", f"e13-{slug}@example.net", password))
        if password.plain is None:
            last_user(stage).warnings.append("password_unusable")


def e14_pw_entities(stage: Stage) -> None:
    """A password with signs of HTML in it, hashed as typed and hashed as escaped."""
    plain = f"""a&b<"c'{random_password(stage.chance)}"""
    salt = salt_of(stage.chance)
    for slug, password in (("raw", md5_salted(plain, salt)), ("escaped", md5_escaped(plain, salt))):
        stage.sell(add_owner(stage.world, "E14", f"e14-{slug}@example.net", password))


def e15_twofa(stage: Stage) -> None:
    """A second factor whose secret cannot be read."""
    client = add_client(stage.world, "E15", "e15@example.net")
    factor = {"second_factor": "totp", "second_factor_config": "TzZLb2RlZCBieSBhbiB1bmtub3duIGtleQ=="}
    user = add_user(stage.world, "E15", "e15@example.net", stage.password(), **factor)
    user.truth.warnings.append("had_two_factor")
    join(stage.world, user, client)
    stage.sell(client)


def e70_social_only_user(stage: Stage) -> None:
    """Signs in with somebody else's account and has no password."""
    client = add_client(stage.world, "E70", "e70@example.net")
    user = add_user(stage.world, "E70", "e70@example.net", unusable())
    user.truth.warnings.append("password_unusable")
    join(stage.world, user, client)
    stage.world.add("tblauthn_account_links", provider="google_signin", remote_user_id="1234567890", user_id=user.id)
    stage.sell(client)


def e13_hash_zoo_edges(stage: Stage) -> None:
    """A costly hash, passwords at the edge of what bcrypt looks at, and none at all."""
    zoo: dict[str, Password] = {
        "cost14": COST_14,
        "72": bcrypted("x" * 72, stage.chance, cost=4),
        "73": bcrypted("y" * 73, stage.chance, cost=4),
        "empty": unusable(),
        "star": unusable("*"),
    }
    for slug, password in zoo.items():
        stage.sell(add_owner(stage.world, "E13", f"e13-{slug}@example.net", password))
        if password.plain is None:
            last_user(stage).warnings.append("password_unusable")
