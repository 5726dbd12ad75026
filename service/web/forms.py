"""What browsers send along or fill in: cookies and forms, read within limits and never remembered.

The framework's own readers keep the last 1024 forms and cookie headers, whole, for ever: 256 MB of
what strangers sent. Python's unquoting of cookies is quadratic in 3.11.7 (CVE-2024-7592).
"""

from collections.abc import Iterable
from urllib.parse import parse_qsl

from service.core.errors import MalformedBody

# A form of ours has three or four fields.
MOST_FIELDS = 20


def read_cookies(headers: Iterable[tuple[bytes, bytes]]) -> dict[str, str]:
    """Read the cookies of a request by name, as they stand: ours are never quoted.

    Of several of one name the last.
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
    """Read a form that is URL-encoded UTF-8; of several fields of one name the last.

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
