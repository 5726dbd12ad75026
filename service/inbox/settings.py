"""Settings of the inbox."""

from pydantic import Field

from service.core.variables import Days, FieldNames, Group


class InboxSettings(Group):
    """What is decided once for all webhook events."""

    purge_events_days: Days = Field(90, validation_alias="PURGE_EVENTS_DAYS")
    """Days after which a webhook event is deleted."""
    strip_payload_fields: FieldNames = Field((), validation_alias="STRIP_PAYLOAD_FIELDS")
    """Fields that are taken out of a webhook's stored payload once it is done, comma list: `email`
    at any depth, `data.object.email` at its place, `*` for any name. Empty: payloads stay whole."""
