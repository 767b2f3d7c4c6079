"""Servers, what may be done to them, and what became of it."""

from service.servers import actions, change, copies, history, metrics, operations, resource
from service.servers import models as m
from service.web.endpoint import GUARDED, ONCE, READ, SAME, WRITE, Answers
from service.web.endpoint import Endpoint as E
from service.web.models import PageQuery

ALL, ONE, DONE = "/v1/servers", "/v1/servers/{id}", "/v1/operations"
CREATED: Answers = {202: m.ServerAccepted, 200: m.Fit}
ACCEPTED: Answers = {202: m.OperationAccepted}
ACTED: Answers = {202: m.OperationAccepted, 200: m.Fit}
CHANGED: Answers = {200: m.Server, 202: m.ServerAccepted}
OPERATIONS: Answers = {200: m.OperationPage}
SHOWN: Answers = {200: m.Server, 304: None}
SNAPSHOTS: Answers = {200: m.SnapshotPage}
BACKUPS: Answers = {200: m.BackupPage}
METRICS: Answers = {200: m.Metrics}
MEASURED = (409, *READ)
HISTORY: Answers = {200: m.HistoryPage}

ENDPOINTS = [
    E("GET", ALL, resource.list_servers, "listServers", {200: m.ServerPage}, None, m.ServersQuery, (), READ),
    E("POST", ALL, resource.create_server, "createServer", CREATED, m.ServerCreate, m.CreateQuery, ONCE, WRITE),
    E("GET", ONE, resource.show_server, "getServer", SHOWN, None, None, SAME, READ),
    E("PATCH", ONE, change.change_server, "changeServer", CHANGED, m.ServerChange, None, GUARDED, WRITE),
    E("DELETE", ONE, actions.terminate_server, "terminateServer", ACCEPTED, None, None, GUARDED, WRITE),
    E("GET", f"{ONE}/actions", resource.list_operations, "listServerOperations", OPERATIONS, None, PageQuery, (), READ),
    E(
        "POST",
        f"{ONE}/actions",
        actions.act_on_server,
        "actOnServer",
        ACTED,
        m.ServerAction,
        m.ActQuery,
        GUARDED,
        WRITE,
    ),
    E(
        "GET",
        f"{ONE}/metrics",
        metrics.show_metrics,
        "getServerMetrics",
        METRICS,
        None,
        m.MetricsQuery,
        (),
        (409, *READ),
    ),
    E(
        "GET",
        f"{ONE}/snapshots",
        copies.list_snapshots,
        "listSnapshots",
        {200: m.SnapshotPage},
        None,
        PageQuery,
        (),
        READ,
    ),
    E("GET", f"{ONE}/backups", copies.list_backups, "listBackups", BACKUPS, None, PageQuery, (), READ),
    E(
        "GET",
        f"{ONE}/history",
        history.list_history,
        "listServerHistory",
        {200: m.HistoryPage},
        None,
        PageQuery,
        (),
        READ,
    ),
    E("GET", DONE, operations.list_operations, "listOperations", OPERATIONS, None, m.OperationsQuery, (), READ),
    E("GET", "/v1/operations/{id}", operations.show_operation, "getOperation", {200: m.Operation}, problems=READ),
]
