"""How Proxmox says no: an HTTP status whose reason phrase is the first line of the message."""

from collections.abc import Iterator
from contextlib import contextmanager


class ApiError(Exception):
    """An answer other than success. `errors` maps parameter names to texts (only with 400)."""

    def __init__(self, status: int, message: str, errors: dict[str, str] | None = None) -> None:
        super().__init__(message)
        self.status = status
        self.message = message
        self.errors = errors

    @property
    def text(self) -> str:
        """The error as it ends a task's log: with its status, unless it is that of a plain `die`."""
        parts = [f"{key}: {value}" for key, value in (self.errors or {}).items()]
        return " ".join([self._message, *parts]).replace("\n", " ")

    @property
    def _message(self) -> str:
        return f"{self.status} {self.message}"


class Die(ApiError):
    """What a plain `die` of the original's code becomes: 500 in a call, the exit status in a task."""

    def __init__(self, message: str) -> None:
        super().__init__(500, message)

    @property
    def _message(self) -> str:
        return self.message


def parameter_errors(errors: dict[str, str]) -> ApiError:
    """400 with one text per parameter (pve-common Exception.pm raise_param_exc)."""
    return ApiError(400, "Parameter verification failed.", errors)


def only_root(option: str) -> ApiError:
    """What anybody but root@pam gets for options such as skiplock, root's own API tokens included."""
    return parameter_errors({option: "Only root may use this option."})


def denied(detail: str = "") -> ApiError:
    """403, with the missing path and privilege where there is a single one."""
    return ApiError(403, f"Permission check failed{f' ({detail})' if detail else ''}")


@contextmanager
def while_doing(what: str) -> Iterator[None]:
    """Turn what is refused while a configuration file is locked into a plain `die` that begins with `what`.

    Even refusals with a status of their own become text (pve-access-control AccessControl.pm lock_user_config,
    pve-common Exception.pm stringify).
    """
    try:
        yield
    except Die as error:
        raise Die(f"{what}: {error.message}") from None
    except ApiError as error:
        errors = "".join(f"\n{key}: {text}" for key, text in (error.errors or {}).items())
        raise Die(f"{what}: {error.status} {error.message}{errors}") from None
