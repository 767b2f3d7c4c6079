"""Saved views."""

from service.views import models as m
from service.views import views
from service.web.endpoint import BODY
from service.web.endpoint import Endpoint as E

ALL, ONE = "/v1/users/me/views", "/v1/users/me/views/{id}"
SHOWN = {200: m.SavedView}
WRITES = (403, 409, 422, *BODY)

ENDPOINTS = [
    E("GET", ALL, views.list_views, "listViews", {200: m.SavedViewPage}, problems=(403,)),
    E("POST", ALL, views.keep_view, "keepView", {201: m.SavedView}, m.SavedViewPut, problems=WRITES),
    E("GET", ONE, views.show_view, "getView", SHOWN, problems=(403, 404)),
    E("PUT", ONE, views.replace_view, "replaceView", SHOWN, m.SavedViewPut, problems=(404, *WRITES)),
    E("DELETE", ONE, views.drop_view, "dropView", {204: None}, problems=(403, 404)),
]
