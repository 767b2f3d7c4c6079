"""Where a browser's request comes from: what cookies alone can do is done for our own pages only."""

from __future__ import annotations

from urllib.parse import urlsplit

from starlette.requests import Request

from service.deps import deps
from service.web.problems import Problem


def own_site_only(req: Request) -> None:
    """Refuse what another site has a browser do. Programs say neither header, and have no cookie to be misused.

    Browsers say where a request comes from; those that do not yet say at least the origin. A proxy may ask under
    another name than the browser did: the address that letters lead to is ours as well.

    Raises:
        Problem: Sec-Fetch-Site or Origin name another site.
    """
    site, origin = req.headers.get("sec-fetch-site"), req.headers.get("origin")
    if site == "same-origin":
        return
    if site not in (None, "none") or (origin is not None and not _ours(req, origin)):  # sister domains are others too
        raise Problem("forbidden", "Another site may not use the cookies of this one.")


def _ours(req: Request, origin: str) -> bool:
    """Whether an origin is where this request went, or where the settings say that the dashboard is."""
    scheme, _, host = origin.partition("://")
    mail = deps(req).config.mail
    known = (req.headers.get("host"), urlsplit(mail.link_base).netloc if mail is not None else None)
    return scheme in ("http", "https") and bool(host) and host in known
