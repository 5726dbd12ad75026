"""What can be wrong with what is asked of leads."""

from service.core.errors import FieldProblem, InvalidInput, NotFound


class IntentNotFound(NotFound):
    """There is no such lead of this merchant."""

    code = "intent_not_found"

    def __init__(self, intent_id: str) -> None:
        """Name the id."""
        super().__init__(f"There is no lead {intent_id!r}.")


class TooMuch(InvalidInput):
    """What is asked for takes in more than one answer holds."""

    code = "too_much"

    def __init__(self, parameter: str, message: str) -> None:
        """Name the parameter, and what to ask instead."""
        super().__init__(f"{parameter} {message}.", problems=(FieldProblem(parameter, message),))


def wrong_field(name: str, message: str) -> InvalidInput:
    """Return the problem of a field or a parameter that can't be used."""
    return InvalidInput(f"{name} {message}.", problems=(FieldProblem(name, message),))
