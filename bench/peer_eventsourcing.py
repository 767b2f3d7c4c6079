"""The eventsourcing library as it is meant to be used; run by its own environment's Python, without Hostler's.

`append CALLERS SECONDS` prints aggregates saved per second, one event each; `fill STREAMS EVENTS` saves as many of as
many events; `project NAME` prints the events per second that a runner brings into a new view NAME.
"""

# mypy: ignore-errors

import os
import sys
import threading
import time
from urllib.parse import urlsplit

from eventsourcing.application import Application
from eventsourcing.domain import Aggregate, event
from eventsourcing.postgres import PostgresTrackingRecorder
from eventsourcing.projection import Projection, ProjectionRunner
from psycopg.sql import SQL

where = urlsplit(os.environ["PEER_DATABASE_URL"])
ENVIRONMENT = {
    "PERSISTENCE_MODULE": "eventsourcing.postgres",
    "POSTGRES_DBNAME": where.path[1:],
    "POSTGRES_HOST": where.hostname,
    "POSTGRES_PORT": str(where.port),
    "POSTGRES_USER": where.username,
    "POSTGRES_PASSWORD": where.password,
    "POSTGRES_POOL_SIZE": "32",
}


class Server(Aggregate):
    @event("Began")
    def __init__(self, power):
        self.power = power

    @event("PowerObserved")
    def observe(self, power):
        self.power = power


class Servers(Application):
    pass


TABLE = "CREATE TABLE IF NOT EXISTS server_rows (id uuid PRIMARY KEY, power text)"


class Rows(PostgresTrackingRecorder):
    def __init__(self, datastore, **options):
        super().__init__(datastore, **options)
        self.sql_create_statements.append(SQL(TABLE))

    def put(self, id, power, tracking):
        with self.datastore.transaction(commit=True) as cursor:
            self._insert_tracking(cursor, tracking)
            cursor.execute(
                "INSERT INTO server_rows VALUES (%s, %s) ON CONFLICT (id) DO UPDATE SET power = excluded.power",
                (id, power),
                prepare=True,
            )


class Shown(Projection):
    def process_event(self, domain_event, tracking):
        self.view.put(domain_event.originator_id, domain_event.power, tracking)


def append(callers, seconds):
    servers, counts, connected = Servers(ENVIRONMENT), [], threading.Barrier(int(callers))

    def caller():
        servers.save(Server(power="running"))
        connected.wait()
        count, end = 0, time.perf_counter() + float(seconds)
        while time.perf_counter() < end:
            servers.save(Server(power="running"))
            count += 1
        counts.append(count)

    threads = [threading.Thread(target=caller) for _ in range(int(callers))]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    print(sum(counts) / float(seconds))


def fill(streams, events):
    servers = Servers(ENVIRONMENT)
    for _ in range(int(streams)):
        server = Server(power="running")
        for _ in range(int(events) - 1):
            server.observe(power="running")
        servers.save(server)


def project(name):
    with Servers(ENVIRONMENT) as servers:
        last = servers.recorder.max_notification_id()
    shown = type(name, (Shown,), {})
    started = time.perf_counter()
    classes = {"application_class": Servers, "projection_class": shown, "view_class": Rows}
    with ProjectionRunner(**classes, env=ENVIRONMENT) as runner:
        runner.wait(last, timeout=600)
    print(last / (time.perf_counter() - started))


if __name__ == "__main__":
    {"append": append, "fill": fill, "project": project}[sys.argv[1]](*sys.argv[2:])
