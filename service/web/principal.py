"""Who calls: a key of one of four kinds, or an end user with a token."""

from dataclasses import dataclass, field
from enum import StrEnum

# Keys of the environment and tokens belong to this merchant.
DEFAULT_MERCHANT = "default"


class Kind(StrEnum):
    """What a caller is; the value is the one that documents and logs carry."""

    PUBLISHABLE = "publishable"
    SECRET = "secret"  # noqa: S105 - a kind of key, not one
    ADMIN = "admin"
    JOBS = "jobs"
    USER = "user"


@dataclass(frozen=True, slots=True)
class Principal:
    """A caller whose credential was checked.

    `key_id` is the first 12 hex digits of the key's SHA-256, never the key; for a user it is
    derived from the user id. `user_id` is the `sub` of a token, and None for a key.
    """

    kind: Kind
    merchant_id: str
    key_id: str
    name: str | None = None
    user_id: str | None = None
    label: str = field(init=False)
    """Names the caller for the audit: `secret:ops`, `admin:3fa9c1…`, `user:<id>`."""

    def __post_init__(self) -> None:
        """Make the label once: every request's line in the log carries it."""
        label = f"{self.kind}:{self.user_id or self.name or self.key_id}"
        object.__setattr__(self, "label", label)
