"""Users and customers, for staff."""

from service.people import accounts, erasure, export, impersonation, notes, suspension, users
from service.people import models as m
from service.servers.models import HistoryPage
from service.web.endpoint import BODY, STAFF_READ, STAFF_WRITE
from service.web.endpoint import Endpoint as E
from service.web.models import PageQuery

USERS, USER = "/v1/admin/users", "/v1/admin/users/{id}"
ACCOUNTS, ACCOUNT = "/v1/admin/accounts", "/v1/admin/accounts/{id}"
DETAIL, MASS = {200: m.StaffUserDetail}, {200: m.MassResult, 202: m.MassResult}
NOTES, WRITTEN = f"{ACCOUNT}/notes", {201: m.Note}
AS_USER = f"{USER}/impersonation"
GONE, DONE = {204: None}, (403, 404, 409)

ENDPOINTS = [
    E("GET", USERS, users.list_users, "listUsers", {200: m.StaffUserPage}, None, m.UsersQuery, (), STAFF_READ),
    E("GET", USER, users.show_user, "getUser", DETAIL, problems=(403, 404)),
    E("POST", f"{USER}/disable", users.disable_user, "disableUser", DETAIL, m.Why, problems=STAFF_WRITE),
    E("POST", f"{USER}/enable", users.enable_user, "enableUser", DETAIL, problems=DONE),
    E("DELETE", f"{USER}/sessions", users.end_sessions, "endUserSessions", GONE, problems=DONE),
    E("DELETE", f"{USER}/two-factor", users.reset_two_factor, "resetUserTwoFactor", GONE, problems=DONE),
    E(
        "POST",
        AS_USER,
        impersonation.begin,
        "impersonate",
        {201: m.Impersonation},
        m.Why,
        problems=STAFF_WRITE,
    ),
    E("DELETE", AS_USER, impersonation.finish, "endImpersonation", GONE, problems=DONE),
    E(
        "GET",
        "/v1/users/me/history",
        impersonation.my_history,
        "listMyHistory",
        {200: HistoryPage},
        None,
        PageQuery,
        (),
        STAFF_READ,
    ),
    E(
        "GET",
        ACCOUNTS,
        accounts.list_accounts,
        "listStaffAccounts",
        {200: m.StaffAccountPage},
        None,
        m.AccountsSearch,
        (),
        STAFF_READ,
    ),
    E("GET", ACCOUNT, accounts.show_account, "getStaffAccount", {200: m.StaffAccountDetail}, problems=(403, 404)),
    E(
        "POST",
        f"{ACCOUNT}/suspend",
        suspension.suspend_account,
        "suspendAccount",
        MASS,
        m.MassSuspension,
        m.DryRun,
        (),
        (*DONE, *BODY, 422),
    ),
    E(
        "POST",
        f"{ACCOUNT}/unsuspend",
        suspension.unsuspend_account,
        "unsuspendAccount",
        MASS,
        m.MassSuspension,
        m.DryRun,
        (),
        (*DONE, *BODY, 422),
    ),
    E("GET", NOTES, notes.list_notes, "listNotes", {200: m.NotePage}, None, m.NotesQuery, (), (404, *STAFF_READ)),
    E("POST", NOTES, notes.write_note, "writeNote", WRITTEN, m.NoteNew, problems=STAFF_WRITE),
    E("DELETE", f"{NOTES}/{{note}}", notes.remove_note, "removeNote", GONE, problems=DONE),
    E("GET", f"{ACCOUNT}/export", export.export_account, "exportAccount", {200: m.AccountExport}, problems=(403, 404)),
    E(
        "POST",
        f"{ACCOUNT}/erase",
        erasure.erase_account,
        "eraseAccount",
        {200: m.ErasureResult},
        m.Erasure,
        m.DryRun,
        (),
        (*DONE, *BODY, 422),
    ),
]
