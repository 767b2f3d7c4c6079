"""What staff decided."""

from service.decisions import decisions
from service.decisions import models as m
from service.web.endpoint import STAFF_READ
from service.web.endpoint import Endpoint as E
from service.web.models import PageQuery

ALL, LISTED = "/v1/admin/decisions", {200: m.DecisionPage}

ENDPOINTS = [E("GET", ALL, decisions.list_decisions, "listDecisions", LISTED, None, PageQuery, (), STAFF_READ)]
