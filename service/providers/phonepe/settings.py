"""Settings of PhonePe."""

from collections.abc import Iterator
from urllib.parse import urlsplit

from pydantic import Field

from service.core.errors import FieldProblem
from service.core.variables import Address, Password, Secret
from service.providers.settings import ProviderSettings

_PRODUCTION_HOST = "api.phonepe.com"
_TEST_HOSTS = ("localhost", "127.", "::1", "api-preprod.")


class PhonePeSettings(ProviderSettings):
    """PhonePe, v2 and the older v1 callback (https://developer.phonepe.com)."""

    client_id: str | None = Field(None, validation_alias="PHONEPE_CLIENT_ID")
    """OAuth client id of v2."""
    client_secret: Secret | None = Field(None, validation_alias="PHONEPE_CLIENT_SECRET")
    """OAuth client secret of v2."""
    client_version: str = Field("1", validation_alias="PHONEPE_CLIENT_VERSION")
    """OAuth client version of v2."""
    merchant_id: str | None = Field(None, validation_alias="PHONEPE_MERCHANT_ID")
    """Merchant id; a callback for another one goes to review."""
    auth_base: Address | None = Field(None, validation_alias="PHONEPE_AUTH_BASE")
    """Address of the OAuth service; unset: the one that belongs to PHONEPE_API_BASE."""
    webhook_username: str | None = Field(None, validation_alias="PHONEPE_WEBHOOK_USERNAME")
    """User name that is set for v2 webhooks in the dashboard."""
    webhook_password: Password | None = Field(None, validation_alias="PHONEPE_WEBHOOK_PASSWORD")
    """Password for v2 webhooks, at least 8 characters."""
    salt_key: Secret | None = Field(None, validation_alias="PHONEPE_SALT_KEY")
    """Salt of the v1 X-VERIFY header."""
    salt_index: str = Field("1", validation_alias="PHONEPE_SALT_INDEX")
    """Index of the salt."""
    api_base: Address = Field(
        "https://api.phonepe.com/apis/pg", validation_alias="PHONEPE_API_BASE"
    )
    """Address of the payment gateway."""

    @property
    def live(self) -> bool | None:
        """Return the mode, by the base address: PhonePe's keys don't show it."""
        parts = urlsplit(self.api_base)
        host = parts.hostname or ""
        if host == _PRODUCTION_HOST:
            return True
        return False if host.startswith(_TEST_HOSTS) or "sandbox" in parts.path else None

    def problems(self) -> Iterator[FieldProblem]:
        """List what is missing for its two ways to be heard: webhooks of v2, callbacks of v1."""
        if self.client_id and not (self.webhook_password or self.salt_key):
            yield FieldProblem(
                "PHONEPE_WEBHOOK_PASSWORD",
                "is missing: PhonePe has credentials and its webhooks could not be checked",
            )
        if self.webhook_password and not self.client_id and not self.salt_key:
            yield FieldProblem(
                "PHONEPE_CLIENT_ID", "is missing: a webhook of v2 is confirmed by the status API"
            )
        if self.salt_key and self.merchant_id is None:
            yield FieldProblem(
                "PHONEPE_MERCHANT_ID",
                "is missing: with it a callback for another merchant is noticed",
            )
