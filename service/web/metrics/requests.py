"""Each request counted by its route: rate, errors and duration."""

from functools import lru_cache

from litestar.types import HTTPScope
from prometheus_client import Histogram

from service.core.measures import REQUESTS

# Methods, routes and statuses are few; this bounds what strangers can make of them.
_MOST_SERIES = 4096


def count_request(scope: HTTPScope, status: int, seconds: float) -> None:
    """Count a request by the template of its route; 0 is the status of one that nobody heard."""
    route = scope.get("path_template") or "(none)"
    _series(scope["method"], route, status).observe(seconds)


@lru_cache(_MOST_SERIES)
def _series(method: str, route: str, status: int) -> Histogram:
    return REQUESTS.labels(method, route, str(status))
