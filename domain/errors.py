"""Why a command is refused.

Refused
├── Invalid               a value is wrong; `pointer` names it
├── NotAllowed            the state does not allow it now
├── OperationInProgress   another operation must finish first
└── Protected             protection is on
"""

from __future__ import annotations

from uuid import UUID


class Refused(Exception):
    """The command changes nothing; `code` is stable, the message is for people."""

    code = "refused"

    def __init__(self, message: str):
        super().__init__(message)
        self.message = message


class Invalid(Refused):
    """A value is wrong: `pointer` is its JSON pointer."""

    code = "invalid"

    def __init__(self, pointer: str, message: str):
        super().__init__(message)
        self.pointer = pointer


class NotAllowed(Refused):
    """The state of the server does not allow this now."""

    code = "not_allowed"


class OperationInProgress(Refused):
    """One operation at a time: `blocking` must finish first."""

    code = "operation_in_progress"

    def __init__(self, message: str, blocking: UUID):
        super().__init__(message)
        self.blocking = blocking


class Protected(Refused):
    """Delete protection is on."""

    code = "protected"
