"""Accounts and their members."""

from service.accounts import accepting, accounts, invitations
from service.accounts import models as m
from service.web.endpoint import BODY, READ
from service.web.endpoint import Endpoint as E
from service.web.models import PageQuery

ALL, ONE = "/v1/accounts", "/v1/accounts/{id}"
MEMBERS, MEMBER = f"{ONE}/members", f"{ONE}/members/{{user}}"
INVITATIONS, ACCEPT = f"{ONE}/invitations", "/v1/invitations"
CHANGED = (403, 404, 409, 422, *BODY)

ENDPOINTS = [
    E("GET", ALL, accounts.list_accounts, "listAccounts", {200: m.AccountPage}, None, m.AccountsQuery, (), READ),
    E("GET", ONE, accounts.show_account, "getAccount", {200: m.Account}, problems=(404,)),
    E("GET", MEMBERS, accounts.list_members, "listMembers", {200: m.MemberPage}, None, PageQuery, (), READ),
    E("PUT", MEMBER, accounts.put_member, "putMember", {200: m.Member}, m.MemberChange, problems=CHANGED),
    E("DELETE", MEMBER, accounts.drop_member, "dropMember", {204: None}, problems=(403, 404, 409)),
    E(
        "GET",
        INVITATIONS,
        invitations.list_invitations,
        "listInvitations",
        {200: m.InvitationPage},
        None,
        PageQuery,
        (),
        READ,
    ),
    E(
        "POST",
        INVITATIONS,
        invitations.invite,
        "invite",
        {201: m.Invitation},
        m.InvitationCreate,
        problems=(*CHANGED, 429),
    ),
    E(
        "DELETE",
        f"{INVITATIONS}/{{invitation}}",
        invitations.withdraw_invitation,
        "withdrawInvitation",
        {204: None},
        problems=(403, 404, 409),
    ),
    E(
        "POST",
        f"{ACCEPT}/open",
        accepting.open_invitation,
        "openInvitation",
        {200: m.OpenedInvitation},
        m.InvitationToken,
        problems=(410, 422, *BODY),
    ),
    E(
        "POST",
        f"{ACCEPT}/accept",
        accepting.accept_invitation,
        "acceptInvitation",
        {200: m.AcceptedInvitation},
        m.InvitationAccept,
        problems=(401, 403, 409, 410, 422, 429, *BODY),
    ),
]
