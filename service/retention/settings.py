"""Settings of retention."""

from pydantic import Field

from service.core.variables import Group


class RetentionSettings(Group):
    """How long is kept what has no room of its own yet."""

    intent_retention_days: float = Field(365, gt=0, validation_alias="INTENT_RETENTION_DAYS")
    """Days after which a lead is deleted."""
