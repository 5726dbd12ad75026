"""One finding of `tillgate doctor`."""

from typing import Literal

from msgspec import Struct

State = Literal["fine", "warning", "problem"]


class Check(Struct, frozen=True):
    """A finding, in words. A `problem` keeps the service from working in its environment."""

    area: Literal["settings", "machine", "database", "providers", "mail"]
    name: str
    state: State
    says: str
