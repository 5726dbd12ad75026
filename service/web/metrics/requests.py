"""Each request counted by its route: rate, errors and duration."""

from litestar.types import HTTPScope

from service.core.measures import REQUESTS


def count_request(scope: HTTPScope, status: int, seconds: float) -> None:
    """Count a request by the template of its route; 0 is the status of one that nobody heard."""
    REQUESTS.observe(seconds, scope["method"], scope.get("path_template") or "(none)", status)
