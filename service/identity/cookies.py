"""The cookies of a session: the refresh token, which no script reads, and a hint that there is one."""

from __future__ import annotations

from ipaddress import ip_address

from starlette.requests import Request
from starlette.responses import Response

from service.deps import deps

COOKIE, COOKIE_PATH = "hostler_refresh", "/v1/token"
# Scripts read it: without it there is no session to ask for, and a visitor's first page begins with no refusal.
HINT, HINT_PATH = "hostler_signed_in", "/"


def put(req: Request, answer: Response, token: str, seconds: int) -> None:
    """Give the browser a refresh token for so many seconds."""
    secure = is_secure(req)
    answer.set_cookie(COOKIE, token, seconds, path=COOKIE_PATH, secure=secure, httponly=True, samesite="strict")
    answer.set_cookie(HINT, "1", seconds, path=HINT_PATH, secure=secure, samesite="strict")


def drop(req: Request, answer: Response) -> None:
    """Take them away."""
    secure = is_secure(req)
    answer.delete_cookie(COOKIE, path=COOKIE_PATH, secure=secure, httponly=True, samesite="strict")
    answer.delete_cookie(HINT, path=HINT_PATH, secure=secure, samesite="strict")


def is_secure(req: Request) -> bool:
    """Whether cookies are for https alone: always, except for a browser on this machine or where the settings say."""
    plain_loopback = req.url.scheme == "http" and req.client is not None and _is_loopback(req.client.host)
    return not (plain_loopback or deps(req).config.auth.insecure_cookie)


def _is_loopback(host: str) -> bool:
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return False
