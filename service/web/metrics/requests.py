"""Each request counted by its route: rate, errors and duration."""

from litestar.types import HTTPScope

from service.core.measures import REQUESTS

_ANY, _NONE = "(any)", "(none)"


def count_request(scope: HTTPScope, status: int, seconds: float) -> None:
    """Count a request by the template of its route; 0 is the status of one that nobody heard.

    Where there is no route the method is a stranger's word: each of some forty would be kept.
    """
    template = scope.get("path_template")
    method = scope["method"] if template else _ANY
    REQUESTS.observe(seconds, method, template or _NONE, status)
