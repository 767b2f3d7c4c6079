"""What was true at any moment."""

from service.past import machine
from service.past import models as m
from service.web.endpoint import READ
from service.web.endpoint import Endpoint as E

ENDPOINTS = [
    E("GET", "/v1/admin/time-machine", machine.show_past, "showPast", {200: m.Past}, None, m.PastQuery, (), READ),
]
