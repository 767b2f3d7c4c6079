"""SSH keys."""

from service.keys import keys
from service.keys import models as m
from service.web.endpoint import BODY, READ
from service.web.endpoint import Endpoint as E
from service.web.models import PageQuery

ALL, ONE = "/v1/ssh-keys", "/v1/ssh-keys/{id}"
SHOWN = {200: m.SshKey}

ENDPOINTS = [
    E("GET", ALL, keys.list_keys, "listSshKeys", {200: m.SshKeyPage}, None, PageQuery, (), READ),
    E("POST", ALL, keys.add_key, "addSshKey", {201: m.SshKey}, m.SshKeyCreate, problems=(409, 422, *BODY)),
    E("GET", ONE, keys.show_key, "getSshKey", SHOWN, problems=(404,)),
    E("PATCH", ONE, keys.rename_key, "renameSshKey", SHOWN, m.SshKeyChange, problems=(404, 422, *BODY)),
    E("DELETE", ONE, keys.drop_key, "dropSshKey", {204: None}, problems=(404,)),
]
