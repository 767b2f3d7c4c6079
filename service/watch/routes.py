"""What staff watch and decide."""

from service.servers.models import OperationAccepted
from service.watch import capacity, health, operations, pace
from service.watch import models as m
from service.web.endpoint import ONCE, STAFF_READ, STAFF_WRITE
from service.web.endpoint import Endpoint as E

HEALTH, EFFECTS, CAPACITY = "/v1/admin/health", "/v1/admin/effects", "/v1/admin/capacity"
OPERATIONS = "/v1/admin/operations"
DECIDED = {202: OperationAccepted}

ENDPOINTS = [
    E("GET", HEALTH, health.show_health, "showHealth", {200: m.SystemHealth}, problems=(403,)),
    E("GET", EFFECTS, health.show_effects, "showEffects", {200: m.Effects}, problems=(403,)),
    E("POST", EFFECTS, health.switch_effects, "switchEffects", {200: m.Effects}, m.EffectsChange, problems=STAFF_WRITE),
    E("GET", "/v1/admin/pace", pace.show_pace, "showPace", {200: m.ServicePace}, problems=(403,)),
    E("GET", CAPACITY, capacity.show_capacity, "showCapacity", {200: m.Capacity}, problems=(403,)),
    E(
        "GET",
        OPERATIONS,
        operations.list_operations,
        "listStaffOperations",
        {200: m.StaffOperationPage},
        None,
        m.StaffOperationsQuery,
        (),
        STAFF_READ,
    ),
    E(
        "POST",
        f"{OPERATIONS}/{{id}}",
        operations.decide_operation,
        "decideOperation",
        DECIDED,
        m.OperationDecision,
        headers=ONCE,
        problems=STAFF_WRITE,
    ),
]
