"""Signing in through the company's own provider, for staff."""

from service.oidc import models as m
from service.oidc import sign_in
from service.oidc.provider import CALLBACK
from service.web.endpoint import Endpoint as E

ENDPOINTS = [
    E("GET", "/v1/oidc", sign_in.show, "getSignInProvider", {200: m.SignInProvider}),
    E("GET", "/v1/oidc/login", sign_in.leave, "signInAtProvider", {303: None}, query=m.LeaveQuery, problems=(404,)),
    E("GET", CALLBACK, sign_in.arrive, "comeFromProvider", {303: None}, query=m.ArriveQuery, problems=(404, 409)),
]
