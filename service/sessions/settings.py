"""Settings of sessions."""

from typing import Annotated

from pydantic import BeforeValidator, Field

from service.core.variables import Currency, Days, Group, nullable


class SessionSettings(Group):
    """What is decided once for all sessions."""

    default_currency: Currency = Field("USD", validation_alias="DEFAULT_CURRENCY")
    """Currency of a session that names none, unless its merchant has one; INR with razorpay,
    phonepe and upi."""
    payment_session_minutes: float = Field(
        30, gt=0, le=1440, validation_alias="PAYMENT_SESSION_MINUTES"
    )
    """Life of a payment session; fractions allowed."""
    checkout_session_hours: float = Field(
        24, gt=0, le=24, validation_alias="CHECKOUT_SESSION_HOURS"
    )
    """Life of a checkout session; fractions allowed."""
    purge_expired_days: Days = Field(7, validation_alias="PURGE_EXPIRED_DAYS")
    """Days after which an expired, failed or canceled session is deleted."""
    purge_completed_days: Annotated[Days | None, BeforeValidator(nullable)] = Field(
        90, validation_alias="PURGE_COMPLETED_DAYS"
    )
    """Days after which a completed session is deleted; `null` keeps it."""
