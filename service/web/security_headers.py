"""Headers that every answer carries unless it sets its own."""

from collections.abc import Iterable

RawHeaders = list[tuple[bytes, bytes]]

# An API answers with data: nothing in it may run, be framed, or be sniffed as another type.
_ALWAYS: RawHeaders = [
    (b"x-content-type-options", b"nosniff"),
    (b"referrer-policy", b"no-referrer"),
    (b"x-frame-options", b"DENY"),
    (
        b"content-security-policy",
        b"default-src 'none'; frame-ancestors 'none'; base-uri 'none'; form-action 'none'",
    ),
]
_API: RawHeaders = [(b"cache-control", b"no-store")]
# Another site's page that opens one of ours gets no handle to it.
_PAGES: RawHeaders = [(b"cross-origin-opener-policy", b"same-origin")]
_TLS: RawHeaders = [(b"strict-transport-security", b"max-age=31536000; includeSubDomains")]
_NAMES = frozenset(name for name, _ in (*_ALWAYS, *_API, *_PAGES, *_TLS))


class SecurityHeaders:
    """Chooses the headers for a path; the lists are built once."""

    def __init__(self, *, over_tls: bool) -> None:
        """Tell browsers to stay on https if the public URL uses it."""
        always = _ALWAYS + (_TLS if over_tls else [])
        self._elsewhere = always
        self._api = always + _API
        self._pages = always + _PAGES

    def missing(self, path: str, present: Iterable[tuple[bytes, bytes]]) -> RawHeaders:
        """Return the headers that an answer lacks."""
        due = self._elsewhere
        if path.startswith("/api"):
            due = self._api
        elif path.startswith(("/dashboard", "/docs")):
            due = self._pages
        names = {name for name, _ in present}  # in lower case (ASGI)
        if _NAMES.isdisjoint(names):
            return due  # nearly always: the API's answers set none of them
        return [header for header in due if header[0] not in names]
