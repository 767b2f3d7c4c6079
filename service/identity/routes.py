"""Signing in and out, and who one is."""

from service.identity import models as m
from service.identity import session
from service.web.endpoint import BODY
from service.web.endpoint import Endpoint as E

ENDPOINTS = [
    E("POST", "/v1/login", session.login, "login", {200: m.Session}, m.Credentials, problems=(401, 422, 429, *BODY)),
    E("POST", "/v1/token/refresh", session.refresh, "refreshToken", {200: m.Session}, problems=(401,)),
    E("POST", "/v1/logout", session.logout, "logout", {204: None}, problems=(401,)),
    E("GET", "/v1/users/me", session.show_me, "getMe", {200: m.User}, problems=(404,)),
]
