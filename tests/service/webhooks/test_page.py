"""The page about webhooks is true: its list of types, and its check of a signature."""

from __future__ import annotations

import base64
import re
import time
from pathlib import Path
from typing import Any, get_args

from service.webhooks import models as m
from service.webhooks.messages import EVENTS, PING
from service.webhooks.signing import headers, new_secret, show_secret

PAGE = (Path(__file__).parents[3] / "docs" / "webhooks.md").read_text()


def test_every_type_is_listed_with_its_meaning() -> None:
    listed = dict(re.findall(r"^\| `([a-z_.]+)` \| (.+) \|$", PAGE, re.MULTILINE))
    assert listed.pop(PING)
    assert listed == EVENTS
    assert tuple(EVENTS) == get_args(m.Event)


def test_the_signature_is_checked_as_it_says() -> None:
    (code,) = re.findall(r"```python\n(.+?)```", PAGE, re.DOTALL)
    names: dict[str, Any] = {}
    exec(code, names)  # noqa: S102 - it is ours
    old, new, body, now = new_secret(), new_secret(), '{"type":"webhook.ping"}', int(time.time())
    signed, genuine = headers([new, old], "msg_1", now, body), names["genuine"]
    assert genuine(show_secret(new), signed, body.encode())
    assert genuine(show_secret(old), signed, body.encode())
    assert not genuine(show_secret(new_secret()), signed, body.encode())
    assert not genuine(show_secret(new), signed, body.encode() + b" ")
    assert not genuine(show_secret(new), headers([new], "msg_1", now - 301, body), body.encode())


def test_the_signature_is_that_of_the_standards_own_example() -> None:
    """https://github.com/standard-webhooks/standard-webhooks: the values its libraries are tested with."""
    secret = base64.b64decode("MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw")
    signed = headers([secret], "msg_p5jXN8AQM9LWM0D4loKWxJek", 1614265330, '{"test": 2432232314}')
    assert signed["webhook-signature"] == "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE="
