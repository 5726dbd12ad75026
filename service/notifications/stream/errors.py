"""What can be wrong with a stream of events."""

from service.core.errors import Conflict, FieldProblem, InvalidInput, TooManyRequests


def wrong_filter(word: str) -> InvalidInput:
    """Return the error for a filter that names no events."""
    problem = FieldProblem(
        "events", f"names no events by {word!r}: take session.*, refund.succeeded or *"
    )
    return InvalidInput(
        f"There are no events {word!r}: take session.*, refund.succeeded or *.", problems=(problem,)
    )


def unreadable_place() -> InvalidInput:
    """Return the error for a Last-Event-ID that no stream told."""
    problem = FieldProblem("Last-Event-ID", "is not one that a stream told: leave it out")
    return InvalidInput("Last-Event-ID can't be read.", problems=(problem,))


def place_among_others() -> InvalidInput:
    """Return the error for a Last-Event-ID of a stream that told something else."""
    problem = FieldProblem(
        "Last-Event-ID", "is of a stream of other events: ask for the same, or leave it out"
    )
    return InvalidInput(
        "Last-Event-ID was told by a stream with other `events`, or of another merchant.",
        problems=(problem,),
    )


class PlaceLost(Conflict):
    """What has happened since the last event is not to be had any more."""

    code = "events_lost"

    def __init__(self) -> None:
        """Say what to do."""
        super().__init__(
            "The database no longer knows what has happened since that event. Begin without "
            "Last-Event-ID, and ask for what was missed by updatedSince."
        )


class TooManyStreams(TooManyRequests):
    """As many listen already as one process has room for."""

    code = "too_many_streams"

    def __init__(self, whose: str, most: int) -> None:
        """Name who has so many."""
        super().__init__(
            f"{whose} has {most} streams of events open here: close one, or try again later.",
            retry_after=30,
        )
