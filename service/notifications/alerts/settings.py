"""Settings of alerts: from when on each condition is one."""

from typing import Annotated

from pydantic import BeforeValidator, Field

from service.core.variables import Group, nullable

_Minutes = Annotated[
    Annotated[float, Field(gt=0, le=43_200)] | None,  # 30 days
    BeforeValidator(nullable),
]
_Percent = Annotated[Annotated[float, Field(gt=0, le=100)] | None, BeforeValidator(nullable)]


class AlertSettings(Group):
    """Thresholds; a condition whose own is `null` is not looked at."""

    review_minutes: _Minutes = Field(60, validation_alias="ALERT_REVIEW_MINUTES")
    """Minutes after which a payment that waits for a decision is an alert; `null`: never."""
    waiting_minutes: _Minutes = Field(60, validation_alias="ALERT_WAITING_MINUTES")
    """Minutes after which a message that is not dispatched or not delivered is an alert; `null`:
    never."""
    provider_silent_minutes: Annotated[
        Annotated[float, Field(ge=5, le=1440)] | None, BeforeValidator(nullable)
    ] = Field(120, validation_alias="ALERT_PROVIDER_SILENT_MINUTES")
    """Minutes without a webhook after which a provider that usually sends some then is an alert;
    `null`: never."""
    error_percent: _Percent = Field(1, validation_alias="ALERT_ERROR_PERCENT")
    """Percentage of answers above which those of 5xx are an alert; `null`: never."""
    storage_percent: _Percent = Field(80, validation_alias="ALERT_STORAGE_PERCENT")
    """Percentage of the database's disk above which its use is an alert; `null`: never."""
    archive_files: Annotated[Annotated[int, Field(gt=0)] | None, BeforeValidator(nullable)] = Field(
        1000, validation_alias="ALERT_ARCHIVE_FILES"
    )
    """Files of archived leads above which their number is an alert; `null`: never."""
    database_seconds: Annotated[
        Annotated[float, Field(gt=0, le=30)] | None, BeforeValidator(nullable)
    ] = Field(5, validation_alias="ALERT_DATABASE_SECONDS")
    """Seconds after which a write that the database has not acknowledged is an alert; `null`:
    never."""
