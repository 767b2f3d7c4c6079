"""Statements that run often find their rows by an index, however large the tables grow."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import psycopg
import pytest

from eventstore.queries import Queries
from projector.tables import LIVE
from projector.views import tables
from service.servers.listing import ORDERS

pytestmark = pytest.mark.pg

LARGE = {"event", "event_private", "outbox", "server_view", "operation_view", "operation_stream", "user_view"}
LARGE |= {"webhook_lane", "webhook_delivery", "webhook_attempt"}
HOT = {
    "eventstore": (
        *("append", "read_stream", "read_log", "read_log_below", "stalled", "end_of_log", "written"),
        *("claim", "extend", "finish", "postpone", "next_due"),
    ),
    "projector": ("before_the_last", "stream_until", "advance"),
    "service": (
        "user",
        "server",
        "operation",
        "operations",
        "all_operations",
        "operations_of_user",
        "history",
        "people",
    ),
    "service.past": ("life_of", "happened_since", "servers_of_account", "operation_types_of"),
    "service.people": ("staff_users", "all_servers_of", "happened"),
    "service.webhooks": (
        *("take_webhook_lane", "webhook_head", "hold_webhook_lane", "end_webhook_lane", "webhook_lane_goes_on"),
        *("webhook_lane_waits", "webhooks", "webhook_deliveries", "webhook_delivery", "webhook_attempts"),
        *("new_webhook_ping", "redeliver_webhook", "happened_to_account"),
    ),
    "service.decisions": ("decisions",),
    "service.watch": ("projections", "pace", "open_counts", "staff_open_operations"),
}
FILL = (
    "INSERT INTO event (stream_id, version, type, schema_v, data, meta)"
    " SELECT md5((n / 20)::text)::uuid, n % 20 + 1, 'server.power_observed', 1, '{}', '{}'"
    "  FROM generate_series(0, 39999) n",
    "INSERT INTO event_private SELECT stream_id, version, stream_id, '{}' FROM event WHERE version = 1",
    "INSERT INTO outbox SELECT DISTINCT stream_id, 'server', '1'::xid8, 1, now() FROM event",
    "INSERT INTO server_view SELECT stream_id, md5(stream_id::text)::uuid, 1, 'n', 'running', 'demo', 101, 'running',"
    " 'n', at, at, '{}' FROM event WHERE version = 1",
    "INSERT INTO operation_view SELECT gen_random_uuid(), server_id, account_id, 1, 'create', 'succeeded', created_at,"
    " '{}' FROM server_view, generate_series(1, 5)",
    "INSERT INTO operation_stream SELECT operation_id, server_id FROM operation_view",
    "INSERT INTO user_view SELECT gen_random_uuid(), 1, n::text, 'customer', now(), '{}'"
    "  FROM generate_series(1, 5000) n",
    "INSERT INTO webhook_endpoint (endpoint_id, account_id, url, events, secret, created_by)"
    " SELECT server_id, account_id, '', '{*}', '', server_id FROM server_view",
    "INSERT INTO webhook_delivery (delivery_id, endpoint_id, resource_id, message_id, type, tx, pos, body, state,"
    " ended_at) SELECT gen_random_uuid(), server_id, server_id, server_id, '', '1', n, '',"
    " CASE n WHEN 9 THEN 'pending' ELSE 'delivered' END, CASE WHEN n < 9 THEN created_at END"
    " FROM server_view, generate_series(0, 9) n",
    "INSERT INTO webhook_attempt (delivery_id, duration_ms) SELECT delivery_id, 1 FROM webhook_delivery",
    "INSERT INTO webhook_lane (endpoint_id, resource_id) SELECT server_id, server_id FROM server_view",
    "INSERT INTO member_view SELECT account_id, gen_random_uuid(), 'owner' FROM server_view",
)


def filled(url: str) -> psycopg.Connection[tuple[Any, ...]]:
    connection = psycopg.connect(url, autocommit=True)
    for statement in FILL:
        connection.execute(statement.encode())
    connection.execute("VACUUM ANALYZE")
    return connection


def plan_of(connection: psycopg.Connection[tuple[Any, ...]], statement: str) -> Any:
    """The plan for any values of the parameters."""
    row = connection.execute(f"EXPLAIN (GENERIC_PLAN, FORMAT json) {statement}".encode()).fetchone()
    assert row is not None
    return row[0]


def plan_with(connection: psycopg.Connection[tuple[Any, ...]], statement: str, values: str) -> Any:
    """The plan for just these values of the parameters."""
    connection.execute("SET plan_cache_mode = force_custom_plan")
    connection.execute(f"PREPARE asked AS {statement}".encode())
    row = connection.execute(f"EXPLAIN (FORMAT json) EXECUTE asked ({values})".encode()).fetchone()
    connection.execute("DEALLOCATE asked")
    assert row is not None
    return row[0]


def statements() -> Iterator[tuple[str, str]]:
    for package, names in HOT.items():
        queries = Queries(package)
        yield from ((f"{package}.{name}", getattr(queries, name)) for name in names)
    for sort, order in ORDERS.items():
        yield f"servers {sort}", order.of_user
        yield f"servers of an account {sort}", order.of_account
    states = Queries("projector").states
    for table in tables():
        if "state" not in table.columns:
            continue
        yield f"projector.states {table.name}", states.format(table=LIVE.name(table), id=table.key[0])


def scanned(plan: Any) -> Iterator[str]:
    """Tables a plan reads from end to end."""
    if isinstance(plan, list):
        for part in plan:
            yield from scanned(part)
    elif isinstance(plan, dict):
        if plan.get("Node Type") == "Seq Scan":
            yield plan["Relation Name"]
        for part in plan.values():
            yield from scanned(part)


def indexes(plan: Any) -> Iterator[str]:
    """Indexes that a plan goes by."""
    if isinstance(plan, list):
        for part in plan:
            yield from indexes(part)
    elif isinstance(plan, dict):
        if "Index Name" in plan:
            yield plan["Index Name"]
        for part in plan.values():
            yield from indexes(part)


def test_no_hot_statement_reads_a_large_table_from_end_to_end(database_url: str) -> None:
    with filled(database_url) as connection:
        wrong = [
            f"{name} scans {table}"
            for name, statement in statements()
            for table in scanned(plan_of(connection, statement))
            if table in LARGE
        ]
    assert wrong == []


def test_everybodys_servers_are_found_page_by_page(database_url: str) -> None:
    with filled(database_url) as connection:
        used = {
            sort: set(
                indexes(plan_with(connection, order.of_everybody, "NULL, NULL, '{}', NULL, NULL, 51, NULL, NULL"))
            )
            for sort, order in ORDERS.items()
        }
    newest, named = {"server_view_created"}, {"server_view_name"}
    assert used == {"-created_at": newest, "created_at": newest, "name": named, "-name": named}


def test_a_users_lists_read_no_more_than_the_rows_of_their_accounts(database_url: str) -> None:
    lists = {sort: order.of_user for sort, order in ORDERS.items()} | {
        "operations": Queries("service").operations_of_user
    }
    with filled(database_url) as connection:
        used = {name: set(indexes(plan_of(connection, statement))) for name, statement in lists.items()}
    by_account = {"server_view_account", "operation_view_account"}
    assert [name for name, found in used.items() if not found & by_account] == []


def test_a_scan_would_be_seen(database_url: str) -> None:
    with filled(database_url) as connection:
        assert list(scanned(plan_of(connection, "SELECT * FROM event WHERE type = 'x'"))) == ["event"]
