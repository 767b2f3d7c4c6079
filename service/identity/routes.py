"""Signing in and out, who one is, and by what means one proves it."""

from service.identity import api_tokens, jwks, me, proof, reset, session, sessions, two_factor
from service.identity import models as m
from service.web.endpoint import BODY
from service.web.endpoint import Endpoint as E

ME, SESSIONS, FACTOR = "/v1/users/me", "/v1/users/me/sessions", "/v1/users/me/two-factor"
TOKENS = "/v1/users/me/tokens"
GUESSED, PROVED = (401, 403, 422, 429, *BODY), (403, 409)
MINE = (403, 404)

ENDPOINTS = [
    E("GET", "/.well-known/jwks.json", jwks.show, "getSigningKeys", {200: m.JsonWebKeys}),
    E("POST", "/v1/login", session.login, "login", {200: m.Session}, m.Credentials, problems=(401, 422, 429, *BODY)),
    E("POST", "/v1/token/refresh", session.refresh, "refreshToken", {200: m.Session}, problems=(401, 403)),
    E("POST", "/v1/logout", session.logout, "logout", {204: None}, problems=(401, 403)),
    E(
        "POST",
        "/v1/password/forgot",
        reset.forgot,
        "forgotPassword",
        {202: None},
        m.Forgotten,
        problems=(422, 429, *BODY),
    ),
    E(
        "POST",
        "/v1/password/reset",
        reset.reset,
        "resetPassword",
        {204: None},
        m.PasswordReset,
        problems=(409, 410, 422, *BODY),
    ),
    E("GET", ME, me.show_me, "getMe", {200: m.User}, problems=(403, 404)),
    E("PATCH", ME, me.change_me, "changeMe", {200: m.User}, m.UserChange, problems=(403, 404, 409, *BODY, 422)),
    E("PUT", f"{ME}/password", me.change_password, "changePassword", {204: None}, m.PasswordChange, problems=GUESSED),
    E("POST", f"{ME}/proof", proof.prove, "prove", {204: None}, m.Proof, problems=GUESSED),
    E("GET", SESSIONS, sessions.list_sessions, "listSessions", {200: m.OpenSessions}, problems=(403,)),
    E("DELETE", SESSIONS, sessions.end_other_sessions, "endOtherSessions", {204: None}, problems=(403,)),
    E("DELETE", f"{SESSIONS}/{{id}}", sessions.end_session, "endSession", {204: None}, problems=MINE),
    E("GET", FACTOR, two_factor.show, "getTwoFactor", {200: m.TwoFactor}, problems=(403,)),
    E("POST", FACTOR, two_factor.offer, "offerTwoFactor", {201: m.TwoFactorOffer}, problems=PROVED),
    E("DELETE", FACTOR, two_factor.turn_off, "turnOffTwoFactor", {204: None}, problems=(*MINE, 409)),
    E(
        "POST",
        f"{FACTOR}/confirm",
        two_factor.confirm,
        "confirmTwoFactor",
        {200: m.RecoveryCodes},
        m.Code,
        problems=(*PROVED, 422, 429, *BODY),
    ),
    E(
        "POST",
        f"{FACTOR}/recovery-codes",
        two_factor.renew_codes,
        "renewRecoveryCodes",
        {200: m.RecoveryCodes},
        problems=PROVED,
    ),
    E("GET", TOKENS, api_tokens.list_tokens, "listApiTokens", {200: m.ApiTokens}, problems=(403,)),
    E(
        "POST",
        TOKENS,
        api_tokens.create_token,
        "createApiToken",
        {201: m.NewApiToken},
        m.ApiTokenCreate,
        problems=(*PROVED, 404, 422, *BODY),
    ),
    E("DELETE", f"{TOKENS}/{{id}}", api_tokens.revoke_token, "revokeApiToken", {204: None}, problems=(*MINE, 409)),
]
