"""What billing systems ask for, and what staff let go on."""

from service.billing import customers, holds, services
from service.billing import models as m
from service.web.endpoint import BODY, STAFF_READ, STAFF_WRITE
from service.web.endpoint import Endpoint as E

ALL, ONE, HOLDS = "/v1/billing/services", "/v1/billing/services/{external_id}", "/v1/admin/holds"
CUSTOMERS, CUSTOMER = "/v1/billing/customers", "/v1/billing/customers/{external_id}"
MADE = {200: m.BillingCustomer, 201: m.BillingCustomer}
LISTED = {200: m.BillingServicePage}
SHOWN = {200: m.BillingService, 202: m.BillingService}

ENDPOINTS = [
    E("GET", ALL, services.list_services, "listBillingServices", LISTED, None, m.BillingQuery, (), STAFF_READ),
    E("GET", ONE, services.show_service, "getBillingService", {200: m.BillingService}, problems=(403, 404, 422)),
    E("PUT", ONE, services.put_service, "putBillingService", SHOWN, m.ServiceWanted, problems=(403, 404, 422, *BODY)),
    E("POST", CUSTOMERS, customers.make_customer, "makeCustomer", MADE, m.CustomerWanted, problems=STAFF_WRITE),
    E("GET", CUSTOMER, customers.show_customer, "getCustomer", {200: m.BillingCustomer}, problems=(403, 404, 422)),
    E("GET", HOLDS, holds.show_holds, "showHolds", {200: m.BillingHolds}, problems=(403,)),
    E("POST", HOLDS, holds.allow_holds, "allowHolds", {200: m.BillingHolds}, m.BillingAllowed, problems=STAFF_WRITE),
]
