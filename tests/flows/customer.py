"""Somebody who uses the API."""

from __future__ import annotations

from typing import Any

import httpx

from tests.flows.running import RunningDemo, until

Json = dict[str, Any]
ALICE, BOB, ADMIN = "alice@example.com", "bob@example.com", "admin@example.com"


class Customer:
    """A signed-in user: calls, and waits for what they lead to."""

    def __init__(self, demo: RunningDemo, email: str):
        self._demo, self._email = demo, email
        self._client = httpx.Client(base_url=demo.record()["url"], timeout=30)
        self._sign_in()

    def get(self, path: str, **params: str) -> Json:
        """The answer of a GET that succeeds."""
        return self._call("GET", path, params=params)

    def post(self, path: str, body: Json) -> Json:
        """The answer of a POST that succeeds."""
        return self._call("POST", path, json=body)

    def act(self, server: str, type: str, **params: Any) -> str:
        """Ask for an action; the operation's id."""
        return str(self.post(f"/v1/servers/{server}/actions", {"type": type, **params})["operation"]["id"])

    def terminate(self, server: str) -> str:
        """Ask for the end of a server; the operation's id."""
        return str(self._call("DELETE", f"/v1/servers/{server}")["operation"]["id"])

    def create(self, name: str, image: str = "debian-12") -> tuple[str, str]:
        """Order the smallest server; its id and the operation's."""
        answer = self.post("/v1/servers", _order(name, image))
        return answer["server"]["id"], answer["operation"]["id"]

    def has_room(self) -> bool:
        """Whether the smallest server could be created now."""
        order = _order("probe", "debian-12")
        return self._client.post("/v1/servers", params={"dry_run": "true"}, json=order).is_success

    def server(self, id: str) -> Json:
        """One server."""
        return self.get(f"/v1/servers/{id}")

    def servers(self) -> list[Json]:
        """All of the user's servers."""
        servers: list[Json] = self.get("/v1/servers", limit="200")["data"]
        return servers

    def succeeded(self, operation: str, seconds: float = 60) -> Json:
        """The operation, once it has succeeded; fails at once when it ends otherwise."""

        def finished() -> Json | None:
            state = self.get(f"/v1/operations/{operation}")
            return state if state["finished_at"] or state["status"] == "needs_attention" else None

        state = until(f"the end of {operation}", seconds, finished)
        assert state["status"] == "succeeded", state
        return state

    def becomes(self, server: str, status: str, seconds: float = 60) -> Json:
        """The server, once it has this status."""

        def there() -> Json | None:
            state = self.server(server)
            return state if state["status"] == status else None

        return until(f"{server} is {status}", seconds, there)

    def reaches(self, operation: str, step: str, seconds: float = 60) -> None:
        """Wait until a step of an operation has begun."""

        def begun() -> bool:
            steps = self.get(f"/v1/operations/{operation}")["steps"]
            return any(each["key"] == step and each["started_at"] for each in steps)

        until(f"{operation} is at {step}", seconds, begun)

    def _call(self, method: str, path: str, **arguments: Any) -> Json:
        answer = self._client.request(method, path, **arguments)
        if answer.status_code == 401:  # the access token lives 15 minutes
            self._sign_in()
            answer = self._client.request(method, path, **arguments)
        assert answer.is_success, f"{method} {path}: {answer.status_code} {answer.text}"
        body: Json = answer.json()
        return body

    def _sign_in(self) -> None:
        credentials = {"email": self._email, "password": self._demo.user(self._email)["password"]}
        answer = self._client.post("/v1/login", json=credentials)
        assert answer.status_code == 200, answer.text
        self._client.headers["Authorization"] = f"Bearer {answer.json()['access_token']}"


def _order(name: str, image: str) -> Json:
    return {"name": name, "plan": "vps-s", "image": image, "location": "fra1"}
