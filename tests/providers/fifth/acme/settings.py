"""Settings of Acme."""

from pydantic import Field

from service.core.variables import Secret, Secrets
from service.providers.settings import ProviderSettings


class AcmeSettings(ProviderSettings):
    """Acme, which takes dollars and dinars."""

    key: Secret | None = Field(None, validation_alias="ACME_KEY")
    """The key of our account."""
    webhook_secrets: Secrets = Field((), validation_alias="ACME_WEBHOOK_SECRET")
    """What its webhooks are signed with."""
