"""PII_PEPPER: the secrets under which everything is derived, the newest first."""

import re

from msgspec import Struct

from service.core.ids import derive

# `2026b:…`: a name before a colon. One without a name gets four characters that reveal nothing.
_NAMED = re.compile(r"([A-Za-z0-9_-]{1,16}):(.+)", re.DOTALL)
_ID_LENGTH = 4


class Pepper(Struct, frozen=True):
    """One secret, and the id that stands beside what was made under it: `{id}.{hash}`."""

    id: str
    secret: str

    def __repr__(self) -> str:
        """Name it by its id alone: what is printed by chance holds no secret."""
        return f"Pepper({self.id!r})"

    def derive(self, *parts: str) -> str:
        """Derive 256 bits for one purpose, with this pepper's id before them."""
        return f"{self.id}.{derive(self.secret, *parts)}"


def read_pepper(entry: str) -> Pepper:
    """Read one entry of the list, with a name or without."""
    named = _NAMED.fullmatch(entry)
    if named is not None:
        return Pepper(named[1], named[2])
    return Pepper(derive(entry, "client-key-id")[:_ID_LENGTH], entry)
