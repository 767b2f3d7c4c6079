"""Clients and users: who is billed and who signs in, told apart since WHMCS 8.0."""

from dataclasses import dataclass
from datetime import timedelta

from testbed.whmcs.passwords import Password
from testbed.whmcs.truth import ClientTruth, UserTruth
from testbed.whmcs.world import TODAY, Row, Value, World, at, number

FIRST_NAMES = (
    "Anna",
    "Björn",
    "Chloé",
    "Dario",
    "Élodie",
    "Farid",
    "Grace",
    "Hiro",
    "Ines",
    "Jürgen",
    "Kateřina",
    "Li",
)
LAST_NAMES = ("Weiß", "Müller", "Šimek", "García", "Ozturk", "Nguyen", "Smith", "Rossi", "Dupont", "Kowalski", "Tanaka")
PLACES = (("Berlin", "DE", "10115"), ("Wien", "AT", "1010"), ("Zürich", "CH", "8001"), ("Paris", "FR", "75001"))


@dataclass(slots=True)
class Client:
    """A row of tblclients and what importing it must give."""

    row: Row
    truth: ClientTruth

    @property
    def id(self) -> int:
        """The client's id."""
        return number(self.row)


@dataclass(slots=True)
class User:
    """A row of tblusers and what importing it must give."""

    row: Row
    truth: UserTruth

    @property
    def id(self) -> int:
        """The user's id."""
        return number(self.row)


def add_client(world: World, case: str, email: str, **columns: Value) -> Client:
    """A client with a plausible name and address; *columns* replace what is drawn."""
    first, last = world.chance.choice(FIRST_NAMES), world.chance.choice(LAST_NAMES)
    city, country, postcode = world.chance.choice(PLACES)
    joined = TODAY - timedelta(days=world.chance.randrange(30, 2500))
    drawn: Row = {
        "uuid": f"{world.chance.getrandbits(128):032x}",
        "firstname": first,
        "lastname": last,
        "email": email,
        "address1": f"Hauptstraße {world.chance.randrange(1, 200)}",
        "city": city,
        "country": country,
        "postcode": postcode,
        "phonenumber": f"+49.30{world.chance.randrange(10**6, 10**7)}",
        "currency": 1,
        "datecreated": joined,
        "created_at": at(joined, 12),
    }
    row = world.add("tblclients", **{**drawn, **columns})
    truth = ClientTruth(number(row), case, str(row.get("companyname") or f"{row['firstname']} {row['lastname']}"))
    world.truth.clients[truth.client_id] = truth
    return Client(row, truth)


def add_user(world: World, case: str, email: str, password: Password, **columns: Value) -> User:
    """A user who belongs to no client yet."""
    drawn: Row = {
        "first_name": world.chance.choice(FIRST_NAMES),
        "last_name": world.chance.choice(LAST_NAMES),
        "email": email,
        "password": password.stored,
        "language": "english",
        "created_at": "2022-01-10 08:00:00",
    }
    row = world.add("tblusers", **{**drawn, **columns})
    truth = UserTruth(number(row), case, email.strip().lower(), password.plain, password.scheme)
    world.truth.users[truth.table, truth.user_id] = truth
    return User(row, truth)


def join(world: World, user: User, client: Client, *, owner: bool = True, permissions: str | None = None) -> None:
    """Let *user* act for *client*, as an owner or with the *permissions* named."""
    world.add("tblusers_clients", auth_user_id=user.id, client_id=client.id, owner=int(owner), permissions=permissions)
    (user.truth.owns if owner else user.truth.shares).append(client.id)


def add_owner(world: World, case: str, email: str, password: Password, **columns: Value) -> Client:
    """A client and the one user who owns it, under the same address."""
    client = add_client(world, case, email, **columns)
    names: Row = {"first_name": client.row["firstname"], "last_name": client.row["lastname"]}
    join(world, add_user(world, case, email, password, **names), client)
    return client
