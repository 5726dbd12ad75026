"""Times of a lease as the database works them out, by its own clock; pure.

The processes' clocks are never compared with one another: two of them may differ by minutes.
"""

from datetime import timedelta

from service.core.clock import Clock
from service.storage.database import Row


def free(field: str, clock: Clock) -> Row:
    """Return whether a lease is not held: it ran out, or its field is null or absent."""
    return {"$lte": [f"${field}", clock.in_database()]}


def held(field: str, clock: Clock) -> Row:
    """Return whether a lease has not run out."""
    return {"$gt": [f"${field}", clock.in_database()]}


def ends(span: timedelta, clock: Clock) -> Row:
    """Return the time at which a lease that begins now runs out."""
    return {"$add": [clock.in_database(), span // timedelta(milliseconds=1)]}
