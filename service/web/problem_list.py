"""Every code a problem can have, for people: the page that the `type` of a problem leads to, and the same as Markdown.

`python -m service.web.problem_list` prints the latter.
"""

from __future__ import annotations

from html import escape

from starlette.requests import Request
from starlette.responses import HTMLResponse, Response

from service.web.docs import POLICY
from service.web.problems import KINDS, Kind

INTRODUCTION = (
    "An error is answered with application/problem+json (RFC 9457). Its code is one of these and never changes its "
    "meaning; its detail is written for people, and may. What is retryable may succeed when it is sent again later."
)


async def page(req: Request) -> Response:
    """The page."""
    return HTMLResponse(_html(), headers={"Content-Security-Policy": POLICY, "Cache-Control": "no-cache"})


def markdown() -> str:
    """The list as it stands in the documentation."""
    rows = [f"| `{code}` | {kind.status} | {_sentence(kind)} |" for code, kind in _sorted()]
    return "\n".join(
        ["# Problems", "", INTRODUCTION, "", "| code | status | meaning |", "| --- | --- | --- |", *rows, ""]
    )


def _html() -> str:
    rows = "".join(
        f'<tr id="{code}"><td><code>{code}</code></td><td>{kind.status}</td><td>{escape(_sentence(kind))}</td></tr>'
        for code, kind in _sorted()
    )
    return (
        '<!doctype html><html lang="en"><head><meta charset="utf-8" /><title>Hostler API: problems</title>'
        '<link rel="stylesheet" href="/docs/docs.css" /></head><body><main><h1>Problems</h1>'
        f"<p>{INTRODUCTION}</p><table><thead><tr><th>Code</th><th>Status</th><th>Meaning</th></tr></thead>"
        f"<tbody>{rows}</tbody></table></main></body></html>"
    )


def _sorted() -> list[tuple[str, Kind]]:
    return sorted(KINDS.items(), key=lambda item: (item[1].status, item[0]))


def _sentence(kind: Kind) -> str:
    return f"{kind.title}. {kind.detail}{' Retryable.' if kind.retryable else ''}"


if __name__ == "__main__":
    print(markdown(), end="")
