"""Cookies and forms, read within limits and never cached.

The framework's own readers cache the last 1024 forms and cookie headers in full: up to 256 MB of
input from strangers. Python's unquoting of cookies is quadratic in 3.11.7 (CVE-2024-7592).
"""

from collections.abc import Iterable
from urllib.parse import parse_qsl

from service.core.errors import MalformedBody

# Our forms have three or four fields.
MOST_FIELDS = 20


def read_cookies(headers: Iterable[tuple[bytes, bytes]]) -> dict[str, str]:
    """Read the cookies of a request by name, verbatim: ours are never quoted.

    Of several with one name, the last one counts.
    """
    found = {}
    for name, value in headers:
        if name == b"cookie":
            for pair in value.decode("latin-1").split(";"):
                key, equals, content = pair.partition("=")
                if equals:
                    found[key.strip()] = content.strip()
    return found


def read_form(body: bytes) -> dict[str, str]:
    """Read a form of URL-encoded UTF-8; of several fields with one name, the last one counts.

    Raises `MalformedBody`.
    """
    try:
        return dict(
            parse_qsl(
                body.decode(), keep_blank_values=True, errors="strict", max_num_fields=MOST_FIELDS
            )
        )
    except UnicodeDecodeError as error:
        raise MalformedBody("The form is not UTF-8.") from error
    except ValueError as error:
        raise MalformedBody(f"The form has more than {MOST_FIELDS} fields.") from error
