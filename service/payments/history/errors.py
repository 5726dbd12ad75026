"""What can be wrong with what is asked of the ledger."""

from service.core.errors import FieldProblem, Forbidden, InvalidInput, NotFound


class PaymentNotFound(NotFound):
    """No payment, refund, dispute or session has this id, or the caller may not know of it."""

    code = "payment_not_found"

    def __init__(self, any_id: str) -> None:
        """Name the id."""
        super().__init__(f"Nothing that leads to a payment has the id {any_id!r}.")


class DisputeNotFound(NotFound):
    """There is no such dispute."""

    code = "dispute_not_found"

    def __init__(self, dispute_id: str) -> None:
        """Name the id."""
        super().__init__(f"There is no dispute {dispute_id!r}.")


class PaymentsOfAnother(Forbidden):
    """A user asked for somebody else's payments."""

    code = "payments_of_another"

    def __init__(self) -> None:
        """Say whose may be listed."""
        super().__init__("A user lists their own payments: userId must be the token's.")


class TooMuch(InvalidInput):
    """What is asked for takes in more than one answer holds."""

    code = "too_much"

    def __init__(self, parameter: str, message: str) -> None:
        """Name the parameter, and what to ask instead."""
        super().__init__(f"{parameter} {message}.", problems=(FieldProblem(parameter, message),))


def wrong_parameter(name: str, message: str) -> InvalidInput:
    """Return the problem of a parameter that can't be used."""
    return InvalidInput(f"{name} {message}.", problems=(FieldProblem(name, message),))
