"""What the importer did."""

from service.imports import models as m
from service.imports import runs
from service.web.endpoint import READ, STAFF_READ
from service.web.endpoint import Endpoint as E
from service.web.models import PageQuery

IMPORTS = "/v1/admin/imports"

ENDPOINTS = [
    E("GET", IMPORTS, runs.list_imports, "listImports", {200: m.ImportRunPage}, None, PageQuery, (), STAFF_READ),
    E("GET", f"{IMPORTS}/{{id}}", runs.show_import, "showImport", {200: m.ImportRunReport}, problems=READ[:2]),
]
