"""Consoles."""

from service.console import models as m
from service.console import tickets
from service.web.endpoint import Endpoint as E

OPEN, SOCKET = "/v1/servers/{id}/console", tickets.SOCKET

ENDPOINTS = [
    E("POST", OPEN, tickets.open_console, "openConsole", {201: m.Console}, problems=(403, 404, 409)),
]
