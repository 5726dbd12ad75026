"""Settings of leads."""

from pathlib import Path

from pydantic import Field

from service.core.variables import Days, Group


class IntentSettings(Group):
    """How long leads are kept, and what of them."""

    retention_days: Days = Field(365, validation_alias="INTENT_RETENTION_DAYS")
    """Days after which a lead is deleted."""
    keep_addresses: bool = Field(False, validation_alias="INTENT_KEEP_ADDRESSES")
    """Whether leads keep the address that they came from as it is; else only its keyed hash."""
    archive_dir: Path | None = Field(None, validation_alias="INTENT_ARCHIVE_DIR")
    """Directory, for this service alone, into which leads are written before they are deleted;
    unset: they are deleted without."""
