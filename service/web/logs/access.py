"""One line for each request: what was asked, by whom, what came of it, how long it took."""

import structlog
from litestar.types import HTTPScope

from service.web.authentication import principal_of

_log = structlog.get_logger("tillgate.access")

_QUIET_PATHS = ("/health/",)


def log_request(scope: HTTPScope, status: int, seconds: float) -> None:
    """Write the line. The path is the route's template: no ids, no query, no addresses.

    Probes that went well are left out: they come every few seconds and say nothing.
    """
    if status < 400 and scope["path"].startswith(_QUIET_PATHS):
        return
    principal = principal_of(scope)
    _log.info(
        "request",
        method=scope["method"],
        path=scope.get("path_template") or "(none)",
        status=status,
        ms=round(seconds * 1000, 1),
        principal=principal.label if principal else None,
    )
