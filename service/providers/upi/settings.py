"""Settings of UPI."""

import re
from collections.abc import Iterator

from pydantic import Field

from service.core.errors import FieldProblem
from service.providers.settings import ProviderSettings

# NPCI UPI Linking Specification 1.6: `pa`, a name and a bank's handle.
_PAYEE = re.compile(r"[A-Za-z0-9._-]{1,256}@[A-Za-z0-9.-]{2,64}")


class UpiSettings(ProviderSettings):
    """UPI by deep link and QR code, completed by hand (NPCI UPI Linking Specification 1.6)."""

    payee_address: str | None = Field(None, validation_alias="UPI_PAYEE_ADDRESS")
    """The virtual payment address that receives the money: `name@bank`."""
    payee_name: str | None = Field(None, validation_alias="UPI_PAYEE_NAME")
    """The name that the customer's app shows."""

    def problems(self) -> Iterator[FieldProblem]:
        """Refuse what no app could pay to."""
        if self.payee_address and not _PAYEE.fullmatch(self.payee_address):
            yield FieldProblem("UPI_PAYEE_ADDRESS", "is no UPI address: it has the form name@bank")
