"""What an error looks like outside: RFC 9457 problems with stable codes, one table of them all."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import msgspec
from starlette.responses import Response

from domain import ids
from domain.errors import Invalid, OperationInProgress, Refused

MEDIA_TYPE = "application/problem+json"
PLACE = "/docs/problems"  # where every code is explained


@dataclass(frozen=True, slots=True)
class Kind:
    """What every problem of one code has in common; `detail` is said when nothing more exact is known."""

    status: int
    title: str
    detail: str
    retryable: bool = False


KINDS = {
    "malformed": Kind(400, "Malformed request", "The request cannot be read."),
    "unauthorized": Kind(401, "Sign in first", "This needs a valid access token: Authorization: Bearer …"),
    "token_expired": Kind(401, "The access token has expired", "Get a new one from POST /v1/token/refresh."),
    "invalid_credentials": Kind(401, "Wrong e-mail address or password", "No user signs in with these."),
    "otp_required": Kind(
        401, "A code is needed", "Send the code of your authenticator app, or a recovery code, as otp."
    ),
    "invalid_refresh_token": Kind(
        401, "Sign in again", "The refresh cookie is missing, was used before, or its session has ended."
    ),
    "forbidden": Kind(403, "Not allowed for your role", "Your role does not allow this."),
    "step_up_required": Kind(
        403, "Prove again who you are", "POST /v1/users/me/proof with your password first; it holds for ten minutes."
    ),
    "session_required": Kind(403, "Not for programs", "An API token is not good for this: sign in."),
    "not_found": Kind(404, "Not found", "There is nothing here that you may see."),
    "method_not_allowed": Kind(405, "Method not allowed", "The Allow header names the methods of this address."),
    "operation_in_progress": Kind(409, "Another operation goes on", "Wait until it has finished.", retryable=True),
    "protected": Kind(409, "Delete protection is on", "Turn it off first."),
    "not_allowed": Kind(409, "Not possible now", "The state of the server does not allow this."),
    "already_exists": Kind(409, "There already", "There is one like this already."),
    "busy": Kind(
        409, "Changed at the same moment", "Others changed this at the same moment: try again.", retryable=True
    ),
    "position_reset": Kind(410, "Position of another log", "Read everything again, then follow from there."),
    "link_expired": Kind(410, "The link holds no more", "It was used, or is too old: ask for a new one."),
    "version_mismatch": Kind(412, "Changed meanwhile", "If-Match names another version than the current one."),
    "too_large": Kind(413, "Too large", "A JSON body may have 1 MiB at most."),
    "unsupported_media_type": Kind(415, "Unsupported media type", "Send application/json in UTF-8."),
    "invalid": Kind(422, "Invalid", "Some values are wrong: see errors."),
    "idempotency_key_reused": Kind(
        422, "Idempotency key reused", "This Idempotency-Key came before with another request."
    ),
    "rate_limited": Kind(429, "Too many attempts", "Wait as long as Retry-After says.", retryable=True),
    "internal": Kind(
        500, "Internal error", "Something went wrong here; it was logged under the request id.", retryable=True
    ),
    "hypervisor_unreachable": Kind(
        503, "The hypervisor does not answer", "Nothing was changed; try again soon.", retryable=True
    ),
    "no_mail": Kind(503, "No letters are sent from here", "Ask the people who run this service for a new password."),
    "unavailable": Kind(503, "Not available", "The database cannot be reached: try again soon.", retryable=True),
}


@dataclass(frozen=True, slots=True)
class Fault:
    """One wrong value: where it is (a JSON pointer into the body, or the name of a parameter) and what is wrong."""

    pointer: str
    code: str
    message: str


class Problem(Exception):
    """Ends a request with a problem. `extra` are further members, `headers` further headers."""

    def __init__(
        self,
        code: str,
        detail: str | None = None,
        *,
        errors: Sequence[Fault] = (),
        headers: Mapping[str, str] | None = None,
        **extra: Any,
    ):
        super().__init__(code)
        self.code = code
        self.kind = KINDS[code]
        self.detail = detail or self.kind.detail
        self.errors = errors
        self.headers = dict(headers or {})
        self.extra = extra


def of(refused: Refused) -> Problem:
    """The problem a refused command becomes."""
    if isinstance(refused, Invalid):
        return invalid(refused.pointer, refused.message)
    if isinstance(refused, OperationInProgress):
        blocking = ids.show(ids.OPERATION, refused.blocking)
        return Problem(refused.code, refused.message, headers={"Retry-After": "2"}, blocking_operation=blocking)
    return Problem(refused.code, refused.message)


def invalid(pointer: str, message: str, code: str = "invalid") -> Problem:
    """A problem with a single wrong value."""
    return Problem("invalid", message, errors=[Fault(pointer, code, message)])


def response(problem: Problem, *, path: str, request_id: str) -> Response:
    """A problem as an answer."""
    body = {
        "type": f"{PLACE}#{problem.code}",
        "title": problem.kind.title,
        "status": problem.kind.status,
        "detail": problem.detail,
        "instance": path,
        "code": problem.code,
        "request_id": request_id,
        "retryable": problem.kind.retryable,
        "errors": problem.errors,
        **problem.extra,
    }
    headers = {"Cache-Control": "no-store", **problem.headers}
    return Response(msgspec.json.encode(body), problem.kind.status, headers, MEDIA_TYPE)
