"""What can be wrong with reminding a customer, and with the link of a reminder."""

from service.core.errors import Conflict, InvalidInput, NotFound


class NotLeft(NotFound):
    """Nobody has left this session, as far as is known."""

    code = "recovery_not_found"

    def __init__(self, session_id: str) -> None:
        """Name the session."""
        super().__init__(
            f"There is no session {session_id!r} that was left unpaid for an hour and may be "
            "reminded of. The list of those that were left says which there are."
        )


class NotReminded(Conflict):
    """This customer is not written to now; the message says why."""

    code = "reminder_refused"


class LinkRefused(InvalidInput):
    """A link that is not from us, not complete, or too old."""


class LinkOver(LinkRefused):
    """A link of ours whose time is over."""
