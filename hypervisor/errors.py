"""What can go wrong when asking a hypervisor, sorted by the one question that matters: did it happen?

HypervisorError
├── NotExecuted        nothing was changed
│   ├── Unreachable    nobody answered, or a read was not answered: ask again later, conclude nothing
│   ├── Denied         credentials refused, or a privilege is missing
│   ├── Invalid        a parameter was refused; `fields` names them
│   ├── Missing        the guest or the task does not exist on that node
│   ├── Busy           locked, lock timeout, no quorum, no worker: the same call may pass later
│   │   └── Stale      the configuration changed since its digest was read: read it again first
│   ├── Conflict       the VMID already belongs to a guest
│   └── Refused        any other plain "no": protected, running, not running, unsupported
├── AgentSilent        the guest agent does not answer; the guest itself may be well
└── Ambiguous          the effect may have happened, may still happen, or not: only observation can tell
"""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType


class HypervisorError(Exception):
    """Any failure of a call to a hypervisor.

    `call` names the call (verb and path); `text` is the hypervisor's own wording and is for staff only.
    """

    def __init__(self, text: str, *, call: str) -> None:
        super().__init__(f"{call}: {text}")
        self.text = text
        self.call = call


class NotExecuted(HypervisorError):
    """The hypervisor certainly changed nothing."""


class Unreachable(NotExecuted):
    """No answer that says anything: refused connection, unknown host, timed-out read, node down.

    It never means that a guest is gone.
    """


class Denied(NotExecuted):
    """The credentials are not accepted (401) or lack a privilege (403).

    A caller without rights on a guest gets this whether or not the guest exists.
    """


class Invalid(NotExecuted):
    """A parameter was refused; `fields` maps its Proxmox name to the reason.

    On a running guest the rest of a configuration change may stay pending: read the configuration again.
    """

    def __init__(self, text: str, *, call: str, fields: Mapping[str, str] | None = None) -> None:
        super().__init__(text, call=call)
        self.fields: Mapping[str, str] = MappingProxyType(dict(fields or {}))


class Missing(NotExecuted):
    """The guest has no configuration on that node, or the task's log is gone.

    The guest may have moved: look for its node in `guests()` before concluding that it was deleted.
    """


class Busy(NotExecuted):
    """Somebody else holds a lock, or the hypervisor has no quorum or no worker to spare: try again later."""


class Stale(Busy):
    """The digest given no longer matches: somebody changed the configuration in between."""


class Conflict(NotExecuted):
    """The VMID is taken, perhaps by an earlier attempt of ours."""


class Refused(NotExecuted):
    """A definite no that repeating does not change."""


class AgentSilent(HypervisorError):
    """The guest agent is not configured, not running, or not answering. Reading it changes nothing."""


class Ambiguous(HypervisorError):
    """The call was sent and no usable answer came back; it may even be executed later than now."""
