"""A line of the log is JSON, whatever is written down."""

import json
from uuid import UUID

import pytest

from runtime.logs import as_json


@pytest.mark.parametrize("value", ["a\nb", "\udce9", "é", 7, None, [1, {"a": True}]])
def test_what_is_plain_is_kept(value: object) -> None:
    line = as_json(None, "info", {"event": "x", "value": value})
    assert "\n" not in line
    assert json.loads(line) == {"event": "x", "value": value}


def test_what_is_not_is_written_as_it_shows_itself() -> None:
    error, id = ValueError("no"), UUID(int=5)
    line = json.loads(as_json(None, "info", {"error": error, "id": object}))
    assert line["error"] == "ValueError('no')"
    assert "object" in line["id"]
    assert str(id) in as_json(None, "info", {"id": id})
