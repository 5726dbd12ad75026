"""What strangers may take of the machine, and how long what protects from repeats is kept."""

from collections.abc import Iterator

from service.core.errors import FieldProblem
from service.settings import Settings

_MOST_OF_HEADS = 2**30
# Stripe sends an event again for 3 days, and Razorpay by hand for 7, without a time that is signed:
# that its row is there is all that identifies a repeat.
_LEAST_DAYS_OF_EVENTS = 7
_LEAST_DAYS_OF_SESSIONS = 1


def resource_problems(settings: Settings) -> Iterator[FieldProblem]:
    """List the limits and times by which strangers could fill or repeat."""
    limits, sessions = settings.connections, settings.sessions
    if limits.most * (limits.header_bytes + limits.address_bytes) > _MOST_OF_HEADS:
        yield FieldProblem(
            "MAX_CONNECTIONS",
            "times MAX_HEADER_BYTES and MAX_ADDRESS_BYTES is more than 1 GiB, which strangers "
            "could fill: lower one of them",
        )
    least = {
        "PURGE_EVENTS_DAYS": (settings.inbox.purge_events_days, _LEAST_DAYS_OF_EVENTS),
        "PURGE_EXPIRED_DAYS": (sessions.purge_expired_days, _LEAST_DAYS_OF_SESSIONS),
        "PURGE_COMPLETED_DAYS": (sessions.purge_completed_days, _LEAST_DAYS_OF_SESSIONS),
    }
    for variable, (days, needed) in least.items():
        if days is not None and days < needed:
            yield FieldProblem(
                variable,
                f"is too short for what comes late or again to find its row: set {needed} or more",
            )
