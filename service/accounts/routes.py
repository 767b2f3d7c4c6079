"""Accounts and their members."""

from service.accounts import accounts
from service.accounts import models as m
from service.web.endpoint import BODY, READ
from service.web.endpoint import Endpoint as E
from service.web.models import PageQuery

ALL, ONE = "/v1/accounts", "/v1/accounts/{id}"
MEMBERS, MEMBER = f"{ONE}/members", f"{ONE}/members/{{user}}"
CHANGED = (403, 404, 409, 422, *BODY)

ENDPOINTS = [
    E("GET", ALL, accounts.list_accounts, "listAccounts", {200: m.AccountPage}, None, m.AccountsQuery, (), READ),
    E("GET", ONE, accounts.show_account, "getAccount", {200: m.Account}, problems=(404,)),
    E("GET", MEMBERS, accounts.list_members, "listMembers", {200: m.MemberPage}, None, PageQuery, (), READ),
    E("PUT", MEMBER, accounts.put_member, "putMember", {200: m.Member}, m.MemberChange, problems=CHANGED),
    E("DELETE", MEMBER, accounts.drop_member, "dropMember", {204: None}, problems=(403, 404, 409)),
]
