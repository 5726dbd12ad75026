"""Origins of this machine: where frontends stand while they are developed."""

import re

LOOPBACK_ORIGIN = r"https?://(?:localhost|127\.0\.0\.1|\[::1\])(?::[0-9]{1,5})?"
"""What a browser calls a page that this machine serves: by name or number, on any port."""

_LOOPBACK = re.compile(LOOPBACK_ORIGIN)


def is_loopback_origin(origin: str) -> bool:
    """Return whether an origin is one of this machine, as browsers write it."""
    return _LOOPBACK.fullmatch(origin) is not None
