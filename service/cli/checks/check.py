"""One thing that was looked at."""

from dataclasses import dataclass
from typing import Literal

State = Literal["fine", "warning", "problem"]


@dataclass(frozen=True, slots=True)
class Check:
    """What was found, in words. A `problem` keeps the service from working in its environment."""

    area: Literal["settings", "machine", "database", "providers"]
    name: str
    state: State
    says: str
