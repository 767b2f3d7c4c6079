"""Whether the service is up, and whether it can serve."""

from service.web import health
from service.web import models as m
from service.web.endpoint import Endpoint as E

ENDPOINTS = [
    E("GET", "/healthz", health.healthz, "healthz", {200: m.Health}),
    E("GET", "/readyz", health.readyz, "readyz", {200: m.Readiness, 503: m.Readiness}),
]
