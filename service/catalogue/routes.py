"""What is on sale."""

from service.catalogue import lists
from service.catalogue import models as m
from service.web.endpoint import READ
from service.web.endpoint import Endpoint as E
from service.web.models import PageQuery

ENDPOINTS = [
    E("GET", "/v1/plans", lists.list_plans, "listPlans", {200: m.PlanPage}, None, PageQuery, (), READ),
    E("GET", "/v1/images", lists.list_images, "listImages", {200: m.ImagePage}, None, PageQuery, (), READ),
    E("GET", "/v1/locations", lists.list_locations, "listLocations", {200: m.LocationPage}, None, PageQuery, (), READ),
]
