"""Settings of UPI."""

from pydantic import Field

from service.providers.settings import ProviderSettings


class UpiSettings(ProviderSettings):
    """UPI by deep link and QR code, settled by hand (NPCI UPI Linking Specification 1.6)."""

    payee_address: str | None = Field(None, validation_alias="UPI_PAYEE_ADDRESS")
    """The virtual payment address that receives the money: `name@bank`."""
    payee_name: str | None = Field(None, validation_alias="UPI_PAYEE_NAME")
    """The name that the customer's app shows."""
