"""What is of no use any more goes; what may be asked for again stays."""

from __future__ import annotations

from uuid import UUID

from eventstore.store import EventStore
from service.housekeeping import tidy

USER = UUID(int=1)


async def test_messages_to_webhooks_go_after_a_month_but_not_those_that_wait(store: EventStore) -> None:
    pool, on, off = store.pool, UUID(int=1), UUID(int=2)
    for endpoint in (on, off):
        await pool.execute(
            "INSERT INTO webhook_endpoint (endpoint_id, url, events, secret, enabled, created_by)"
            " VALUES ($1, '', '{*}', '', $2, $1)",
            *(endpoint, endpoint == on),
        )
        for age in ("1 hour", "31 days"):
            for state in ("pending", "delivered"):
                await pool.execute(
                    "INSERT INTO webhook_delivery (endpoint_id, resource_id, message_id, type, body, state, created_at,"
                    "                              ended_at)"
                    " VALUES ($1, $1, $1, 'x', '', $2::text, now() - $3::text::interval,"
                    "         CASE WHEN $2::text = 'delivered' THEN now() END)",
                    *(endpoint, state, age),
                )
    await tidy(pool)
    left = await pool.fetch("SELECT endpoint_id, state, count(*) FROM webhook_delivery GROUP BY 1, 2 ORDER BY 1, 2")
    assert [tuple(row) for row in left] == [
        (on, "delivered", 1),
        (on, "pending", 2),
        (off, "delivered", 1),
        (off, "pending", 1),
    ]


async def test_old_things_go_and_young_ones_stay(store: EventStore) -> None:
    pool = store.pool
    for age in ("1 hour", "100 days"):
        await pool.execute(
            "INSERT INTO session (session_id, user_id, expires_at, ended_at)"
            " VALUES (gen_random_uuid(), $1, now() + interval '1 day', now() - $2::text::interval)",
            USER,
            age,
        )
        await pool.execute(
            "INSERT INTO login_attempt (key, failures, last_at) VALUES ($1, 1, now() - $1::text::interval)", age
        )
        await pool.execute(
            "INSERT INTO idempotency_key (user_id, key, fingerprint, status, headers, body, at)"
            " VALUES ($1, $2, '', 200, '{}', '', now() - $2::text::interval)",
            USER,
            age,
        )
        await pool.execute(
            "INSERT INTO letter (letter_id, kind, sent_at)"
            " VALUES (gen_random_uuid(), 'password_changed', now() - $1::text::interval)",
            age,
        )
    await pool.execute("INSERT INTO letter (letter_id, kind, sealed) VALUES (gen_random_uuid(), 'waits', 'text')")
    await tidy(pool)
    counts = [await pool.fetchval(f"SELECT count(*) FROM {t}") for t in ("session", "login_attempt", "idempotency_key")]
    assert counts == [1, 1, 1]
    assert await pool.fetchval("SELECT count(*) FROM letter") == 2
