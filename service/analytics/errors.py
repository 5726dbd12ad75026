"""What can be wrong with what is asked of the figures."""

from service.core.errors import FieldProblem, InvalidInput


class WrongQuestion(InvalidInput):
    """A parameter can't be used: it names nothing, contradicts another, or takes in too much."""

    code = "invalid_request"

    def __init__(self, parameter: str, message: str) -> None:
        """Name the parameter, and what to ask instead."""
        super().__init__(f"{parameter} {message}.", problems=(FieldProblem(parameter, message),))


class NoSuchCurrency(InvalidInput):
    """A merchant has nothing in a currency."""

    code = "no_figures_in_currency"

    def __init__(self, currency: str, known: list[str]) -> None:
        """Name the currencies that there are."""
        others = f"there is something in {', '.join(known)}" if known else "there is nothing yet"
        message = f"{currency} has no rows: {others}"
        super().__init__(f"{message}.", problems=(FieldProblem("currency", message),))
