"""What a condition is: a rule that is looked at by the minute, and what it sees then."""

from collections.abc import Awaitable, Callable, Sequence
from datetime import datetime
from typing import TypeAlias

from msgspec import Struct

from service.core.principal import DEFAULT_MERCHANT


class Sighting(Struct, frozen=True):
    """Something that is wrong now: with what, and in words what is wrong and what to do.

    `subject` tells those of a rule and a merchant apart: a provider, a job, an endpoint. What
    concerns the service as a whole is the operator's, whose merchant is the default one.
    """

    what: str
    subject: str = ""
    merchant_id: str = DEFAULT_MERCHANT


Look: TypeAlias = Callable[[datetime], Awaitable[Sequence[Sighting]]]
"""Returns all that is wrong at a moment by the database's clock. What it raises means that nobody
knows: nothing is opened then, and nothing closed."""


class Condition(Struct, frozen=True):
    """One rule: its name, and how one looks."""

    rule: str
    look: Look
