"""What can be wrong with bookings."""

from collections.abc import Mapping

from service.core.errors import TillgateError


class Unbalanced(TillgateError):
    """Lines that don't add up to nothing: a mistake in a target, and never a user's."""

    def __init__(self, of: str, by: Mapping[str, int]) -> None:
        """Say which object's, and by how much."""
        sums = ", ".join(f"{amount} {currency}" for currency, amount in sorted(by.items()))
        super().__init__(f"The lines of {of} don't balance: {sums} are left over.")
