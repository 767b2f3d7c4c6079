"""The statements of this room."""

from eventstore.queries import Queries

SQL = Queries("service.oidc")
