"""`hostler-testbed whmcs`: run the database in the foreground until a signal ends it."""

import argparse
import json
import shutil
import signal
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, replace
from pathlib import Path

from testbed.whmcs import cases, load, mariadb, mixing, mutator, sample
from testbed.whmcs.mariadb import Account, MariaDbError, Server
from testbed.whmcs.state import DATABASE, Recipe, State, StateError, open_state, write_json
from testbed.whmcs.world import World

PROGRAM = "hostler-testbed whmcs"


class UsageError(Exception):
    """The command line asks for what there is not."""


def run(argv: list[str]) -> int:
    """Run the testbed; print one JSON line with `dsn`, `readonly_dsn`, `truth` and `inventory` once it is ready.

    Returns 0 after SIGTERM or SIGINT, 1 when it cannot run, 2 when the command line is wrong.
    """
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    try:
        _serve(_arguments(argv))
    except KeyboardInterrupt:
        return 0
    except (UsageError, MariaDbError, StateError, OSError) as error:
        print(f"{PROGRAM}: {error}", file=sys.stderr)
        return 2 if isinstance(error, UsageError) else 1
    return 0


def _arguments(argv: list[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog=PROGRAM, description="A WHMCS database with sample data on MariaDB.")
    parser.add_argument("--port", type=int, default=0, help="TCP port on 127.0.0.1 (default: a free one)")
    parser.add_argument("--scale", type=int, help=f"ordinary clients beside the cases (default: {sample.SCALE})")
    parser.add_argument("--schema", help="WHMCS schema generation (default: v8.3)")
    parser.add_argument("--seed", type=int, help=f"seed of the sample (default: {sample.SEED})")
    parser.add_argument("--cases", choices=sorted(sample.CASES), help="which named cases (default: all)")
    parser.add_argument("--edge-rate", type=float, help="cases to repeat, as a share of --scale (default: 0)")
    parser.add_argument(
        "--engine-mix", type=int, nargs="?", const=3, metavar="N", help="keep N tables in MyISAM (without N: 3)"
    )
    parser.add_argument(
        "--charset-mix", type=int, nargs="?", const=6, metavar="N", help="N tables in latin1 or utf8mb3 (without N: 6)"
    )
    parser.add_argument("--mutate", type=float, metavar="RATE", help="changes a second while it runs (default: none)")
    parser.add_argument("--state", type=Path, help="directory kept between starts (default: a temporary one)")
    parser.add_argument("--inventory-out", type=Path, metavar="FILE", help="also write the VMs' inventory here")
    arguments = parser.parse_args(argv)
    if arguments.schema is not None and arguments.schema not in load.schemas():
        raise UsageError(f"--schema {arguments.schema} is not available: there is {', '.join(load.schemas())}")
    if arguments.scale is not None and arguments.scale < 0:
        raise UsageError(f"--scale {arguments.scale} is below 0")
    if arguments.mutate is not None and not 0 < arguments.mutate <= 1000:
        raise UsageError(f"--mutate {arguments.mutate} is not between 0 and 1000 changes a second")
    for flag in ("edge_rate", "engine_mix", "charset_mix"):
        if (value := getattr(arguments, flag)) is not None and value < 0:
            raise UsageError(f"--{flag.replace('_', '-')} {value} is below 0")
    if not 0 <= arguments.port <= 65535:
        raise UsageError(f"--port {arguments.port} is not between 0 and 65535")
    return arguments


def _serve(arguments: argparse.Namespace) -> None:
    port = arguments.port or mariadb.free_port()
    mariadb.require_free(port)
    with _state(arguments.state) as state:
        recipe = _recipe(arguments, state)
        accounts = state.accounts()
        fresh = state.recipe() is None
        passing = arguments.state is None  # what ends with this program need not survive a power cut
        if fresh:
            mariadb.install(state.data, unsafe=passing)
        settings = mariadb.UNSAFE if passing else ()
        with mariadb.running(state.data, port, DATABASE, accounts, settings=settings) as server, _undisturbed_end():
            if fresh:
                _fill(state, server, recipe, accounts)
            if arguments.inventory_out:
                shutil.copyfile(state.inventory, arguments.inventory_out)
            _announce(state, server, accounts)
            if arguments.mutate:
                _mutate(state, server, recipe, accounts[0], arguments.mutate)
            server.process.wait()
            raise MariaDbError(f"MariaDB ended by itself: see {state.data}/error.log")


@contextmanager
def _state(home: Path | None) -> Iterator[State]:
    if home is not None:
        yield open_state(home)
        return
    state = open_state(Path(tempfile.mkdtemp(prefix="hostler-whmcs-")))
    try:
        yield state
    finally:
        state.remove()


@contextmanager
def _undisturbed_end() -> Iterator[None]:
    """Once the end has begun, a second signal must not keep the server from being stopped."""
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, signal.SIG_IGN)
        signal.signal(signal.SIGINT, signal.SIG_IGN)


def _recipe(arguments: argparse.Namespace, state: State) -> Recipe:
    """What is asked for, which must be what is loaded if anything is. Raises StateError."""
    loaded = state.recipe() or Recipe("v8.3", sample.SEED, sample.SCALE, "all")
    flags = {name: getattr(arguments, name) for name in asdict(loaded)}
    asked = replace(loaded, **{name: value for name, value in flags.items() if value is not None})
    if state.recipe() not in (None, asked):
        raise StateError(f"{state.home} holds {loaded}: ask for the same or name another --state")
    return asked


def _fill(state: State, server: Server, recipe: Recipe, accounts: list[Account]) -> None:
    world = _world(recipe)
    mixing.mix_engines(world, recipe.seed, recipe.engine_mix)
    mixing.mix_charsets(world, recipe.seed, recipe.charset_mix)
    with mariadb.connect(server.port, accounts[0], DATABASE) as connection:
        lacking = load.create_tables(connection, recipe.schema, world)
        load.insert(connection, world, lacking)
    write_json(state.inventory, world.vms.as_json())
    write_json(state.other_inventory, world.other_vms.as_json())
    inventories = {"demo": str(state.inventory), "ams": str(state.other_inventory)}
    files = {"inventory": str(state.inventory), "inventories": inventories, "mutations": str(state.mutations)}
    named = cases.table(sample.CASES[recipe.cases], world.truth)
    write_json(state.truth, {"recipe": asdict(recipe), **files, "cases": named, **world.truth.as_json()})
    state.remember(recipe, accounts)


def _world(recipe: Recipe) -> World:
    return sample.make(recipe.seed, recipe.scale, recipe.cases, recipe.edge_rate, recipe.schema)


def _mutate(state: State, server: Server, recipe: Recipe, account: Account, rate: float) -> None:
    changes = mutator.mutations(_world(recipe), recipe.seed)
    with mariadb.connect(server.port, account, DATABASE) as connection:
        mutator.mutate_until(server.process, connection, changes, rate, state.mutations)


def _announce(state: State, server: Server, accounts: list[Account]) -> None:
    admin, reader = (server.dsn(account, DATABASE) for account in accounts)
    ready = {"dsn": admin, "readonly_dsn": reader, "truth": str(state.truth), "inventory": str(state.inventory)}
    print(json.dumps(ready), flush=True)
