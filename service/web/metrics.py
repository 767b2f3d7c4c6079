"""What Prometheus reads: requests by route and outcome, and open event streams."""

from __future__ import annotations

from functools import cache

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, generate_latest
from prometheus_client.exposition import CONTENT_TYPE_LATEST

BUCKETS = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 10)


class Metrics:
    """The service's own counters, in a registry of their own."""

    def __init__(self) -> None:
        self._registry = CollectorRegistry()
        names = ("method", "route")
        self._requests = Counter(
            "hostler_requests_total", "Requests answered", (*names, "status"), registry=self._registry
        )
        self._seconds = Histogram(
            "hostler_request_seconds", "Time to the answer", names, buckets=BUCKETS, registry=self._registry
        )
        self.streams = Gauge("hostler_event_streams", "Open event streams", registry=self._registry)
        self._of = cache(self._labelled)  # there are as many as routes, their methods and statuses

    def answered(self, method: str, route: str, status: int, seconds: float) -> None:
        """Count one request; `route` is the pattern, never the address."""
        count, took = self._of(method, route, status)
        count.inc()
        took.observe(seconds)

    def _labelled(self, method: str, route: str, status: int) -> tuple[Counter, Histogram]:
        return self._requests.labels(method, route, str(status)), self._seconds.labels(method, route)

    def exposition(self) -> tuple[bytes, str]:
        """The text Prometheus reads, and its content type."""
        return generate_latest(self._registry), CONTENT_TYPE_LATEST
