"""What staff sees and settles."""

from service.staff import addresses, clusters, drift, safety
from service.staff import models as m
from service.web.endpoint import STAFF_READ, STAFF_WRITE
from service.web.endpoint import Endpoint as E
from service.web.models import PageQuery

CLUSTERS, MAINTENANCE = "/v1/admin/clusters", "/v1/admin/clusters/{name}/maintenance"
CLUSTER_MODE = "/v1/admin/clusters/{name}/mode"
DRIFT, MODES, DESTROYS = "/v1/admin/drift", "/v1/admin/servers/mode", "/v1/admin/destroys"
ADDRESS, HOLDERS = "/v1/admin/addresses/{address}", {200: m.AddressHistory}

ENDPOINTS = [
    E("GET", ADDRESS, addresses.show_address, "showAddress", HOLDERS, None, m.AddressQuery, (), STAFF_READ),
    E("GET", CLUSTERS, clusters.list_clusters, "listClusters", {200: m.ClusterPage}, None, PageQuery, (), STAFF_READ),
    E(
        "POST",
        MAINTENANCE,
        clusters.change_maintenance,
        "changeMaintenance",
        {200: m.Cluster},
        m.MaintenanceChange,
        problems=STAFF_WRITE,
    ),
    E(
        "POST",
        CLUSTER_MODE,
        clusters.change_mode,
        "changeClusterMode",
        {200: m.Cluster},
        m.ClusterModeChange,
        problems=STAFF_WRITE,
    ),
    E("GET", DRIFT, drift.list_drift, "listDrift", {200: m.DriftPage}, None, m.DriftQuery, (), STAFF_READ),
    E(
        "POST",
        f"{DRIFT}/{{id}}",
        drift.settle_drift,
        "settleDrift",
        {200: m.DriftSettlement},
        m.DriftAction,
        problems=STAFF_WRITE,
    ),
    E("POST", MODES, safety.change_modes, "changeModes", {200: m.ModesChanged}, m.ModeChange, problems=STAFF_WRITE),
    E("GET", DESTROYS, safety.show_destroys, "showDestroys", {200: m.Destroys}, problems=(403,)),
    E(
        "POST",
        DESTROYS,
        safety.allow_destroys,
        "allowDestroys",
        {200: m.Destroys},
        m.DestroysAllowed,
        problems=STAFF_WRITE,
    ),
]
