"""What can be wrong with a session."""

from service.core.errors import Conflict, FieldProblem, Forbidden, InvalidInput, NotFound
from service.sessions.states import BY_HAND, Status


class SessionNotFound(NotFound):
    """There is no such session, or the caller may not know of it."""

    code = "session_not_found"

    def __init__(self, session_id: str | None, user_id: str | None = None) -> None:
        """Name the session, or of whom there is none; the same if it is not the caller's."""
        named = repr(session_id) if session_id is not None else f"of user {user_id!r}"
        super().__init__(f"There is no session {named}.")


class SessionExists(Conflict):
    """The id was used for another session."""

    code = "session_exists"


class OpenSessionDiffers(Conflict):
    """The user's open session has another price."""

    code = "open_session_differs"


class IllegalMove(Conflict):
    """The session's state forbids the move."""

    code = "illegal_move"

    def __init__(self, status: Status, to: Status) -> None:
        """List the states that it can move to."""
        possible = ", ".join(sorted(BY_HAND[status])) or "nothing: it is terminal"
        super().__init__(
            f"A session that is {status} can't become {to}; from here it can become {possible}."
        )


class StaleVersion(Conflict):
    """The session has changed since the caller read it."""

    code = "stale_version"

    def __init__(self, sent: int, present: int) -> None:
        """Name both versions."""
        problem = FieldProblem("version", f"is {sent}, the session is at {present}")
        super().__init__("The session has changed; read it again.", problems=(problem,))


class AmountDiffers(InvalidInput):
    """A browser sent an amount other than the catalog's."""

    code = "amount_mismatch"

    def __init__(self, field: str, due: int, currency: str) -> None:
        """Name the amount to pay."""
        problem = FieldProblem(field, f"must be {due} {currency} in minor units, or left out")
        super().__init__("The amount is not the catalog's.", problems=(problem,))


class ChangeNotAllowed(Forbidden):
    """A browser may cancel and add metadata, nothing else."""

    code = "change_not_allowed"


class PaymentTaken(Conflict):
    """The payment named in a completion by hand was made for something else."""

    code = "payment_taken"


class CheckoutTaken(Conflict):
    """A provider's checkout belongs to another session."""

    code = "checkout_taken"

    def __init__(self, ref: str) -> None:
        """Name the checkout."""
        super().__init__(f"The checkout {ref!r} belongs to another session.")


class NotPayable(Conflict):
    """The session can't be paid any more."""

    code = "not_payable"


def wrong_field(field: str, message: str) -> InvalidInput:
    """Make the error for one field that can't be used."""
    problem = FieldProblem(field, message)
    return InvalidInput(f"The request can't be used: {field} {message}.", problems=(problem,))
