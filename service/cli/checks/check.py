"""One thing that was looked at."""

from typing import Literal

from msgspec import Struct

State = Literal["fine", "warning", "problem"]


class Check(Struct, frozen=True):
    """What was found, in words. A `problem` keeps the service from working in its environment."""

    area: Literal["settings", "machine", "database", "providers"]
    name: str
    state: State
    says: str
