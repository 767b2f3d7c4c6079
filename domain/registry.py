"""Every event type there is, by its name on disk."""

from __future__ import annotations

from domain import record
from domain.account.events import EVENTS as ACCOUNT
from domain.catalogue.events import EVENTS as CATALOGUE
from domain.cluster.events import EVENTS as CLUSTER
from domain.importing.events import EVENTS as IMPORTING
from domain.installation.events import EVENTS as INSTALLATION
from domain.server.events import EVENTS as SERVER

EVENTS: tuple[record.EventType, ...] = (*SERVER, *ACCOUNT, *CATALOGUE, *CLUSTER, *INSTALLATION, *IMPORTING)
