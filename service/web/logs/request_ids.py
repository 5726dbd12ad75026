"""The id of a request, which links its answer to its log line."""

import os
import re

from litestar.types import Scope

HEADER = b"x-request-id"

_ACCEPTED = re.compile(rb"[A-Za-z0-9_-]{1,64}")


def request_id_of(scope: Scope) -> str:
    """Use the caller's X-Request-Id if it is well formed, else make one of 128 bits."""
    for name, value in scope["headers"]:
        if name == HEADER and _ACCEPTED.fullmatch(value):
            return value.decode()
    return os.urandom(16).hex()
