"""Whether anybody outside hears a topic: what nobody hears need not be written."""

from collections.abc import Callable
from typing import TypeAlias

Heard: TypeAlias = Callable[[str, str], bool]
"""Whether somebody outside hears a topic of a merchant's: nothing is asked for that."""


def either(one: Heard, other: Heard) -> Heard:
    """Return what asks two, the second where the first does not hear it."""

    def heard(merchant_id: str, topic: str) -> bool:
        return one(merchant_id, topic) or other(merchant_id, topic)

    return heard


def nobody(merchant_id: str, topic: str) -> bool:
    """Return that nobody hears it."""
    return False
