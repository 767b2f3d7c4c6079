"""What setting up is made of: changes that are listed first and carried out one after the other."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

from hypervisor.setup.client import Client

Method = Literal["post", "put", "delete"]


@dataclass(frozen=True, slots=True)
class Change:
    """One call that changes something. `words` say what, for people.

    `task` says that the call answers with a task to wait for, `file` is what it uploads, and `secret` that its
    answer holds the secret of a new API token.
    """

    words: str
    method: Method
    path: tuple[str, ...]
    params: Mapping[str, str | int] = field(default_factory=dict)
    task: bool = False
    file: Path | None = None
    secret: bool = False


class ChangeFailed(Exception):
    """A task that a change had started did not succeed; the message says which, and its last words."""


async def carry_out(client: Client, changes: Iterable[Change], done: Callable[[Change, str | None], None]) -> None:
    """Make the changes in their order; `done` hears of each at once, with the secret of the token it made, if any.

    Raises:
        HypervisorError: a call was refused or not answered; what came before it is done.
        ChangeFailed: its task failed.
    """
    for change in changes:
        answer = await _make(client, change)
        done(change, str(answer["value"]) if change.secret else None)


async def _make(client: Client, change: Change) -> Any:
    if change.file:
        answer: Any = await client.upload(change.path, change.file, change.params)
    else:
        answer = await client.call(change.method, change.path, change.params)
    if change.task and answer:
        task = await client.finished(str(answer))
        if task.state != "succeeded":
            raise ChangeFailed(f"{change.words}: {task.text}")
    return answer
