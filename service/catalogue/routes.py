"""What is on sale."""

from collections.abc import Iterator

from pydantic import BaseModel

from domain import ids
from domain.catalogue.events import ImageDeclared, LocationDeclared, PlanDeclared
from service.catalogue import checks, lists, shown
from service.catalogue import models as m
from service.catalogue.shelf import Shelf
from service.web.endpoint import READ, SAME, STAFF_READ, STAFF_WRITE
from service.web.endpoint import Endpoint as E
from service.web.models import PageQuery

PLANS = Shelf("plan", ids.PLAN, PlanDeclared, m.PlanNew, m.PlanChange, checks.check_plan, shown.plan)
IMAGES = Shelf(
    *("image", ids.IMAGE, ImageDeclared, m.ImageNew, m.ImageChange, checks.check_image, shown.image),
    places=("template", "templates"),
)
LOCATIONS = Shelf(
    *("location", ids.LOCATION, LocationDeclared, m.LocationNew, m.LocationChange),
    *(checks.check_location, shown.location),
    places=("clusters", "pools"),
)
GUARDED = ("If-Match",)


def _shelf(shelf: Shelf, one: type[BaseModel], page: type[BaseModel]) -> Iterator[E]:
    many, name = f"/v1/admin/{shelf.kind}s", f"Staff{shelf.kind.capitalize()}"
    item, write = f"{many}/{{id}}", (*STAFF_WRITE, 412, 503)
    yield E("GET", many, shelf.list, f"list{name}s", {200: page}, None, m.ItemsQuery, (), STAFF_READ)
    made = {200: one, 201: one}
    yield E("POST", many, shelf.create, f"create{name}", made, shelf.new, m.DryRun, (), write)
    yield E("GET", item, shelf.show_one, f"get{name}", {200: one}, None, None, SAME, (403, 404))
    yield E("PATCH", item, shelf.patch, f"change{name}", {200: one}, shelf.change, m.DryRun, GUARDED, write)
    for verb, handler in (("retire", shelf.retire), ("restore", shelf.restore)):
        yield E("POST", f"{item}/{verb}", handler, f"{verb}{name}", {200: one}, m.Reason, m.DryRun, GUARDED, write)


ENDPOINTS = [
    E("GET", "/v1/plans", lists.list_plans, "listPlans", {200: m.PlanPage}, None, PageQuery, (), READ),
    E("GET", "/v1/images", lists.list_images, "listImages", {200: m.ImagePage}, None, PageQuery, (), READ),
    E("GET", "/v1/locations", lists.list_locations, "listLocations", {200: m.LocationPage}, None, PageQuery, (), READ),
    *_shelf(PLANS, m.StaffPlan, m.StaffPlanPage),
    *_shelf(IMAGES, m.StaffImage, m.StaffImagePage),
    *_shelf(LOCATIONS, m.StaffLocation, m.StaffLocationPage),
]
