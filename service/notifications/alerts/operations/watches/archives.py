"""Conditions of the directory into which leads are archived."""

import asyncio
from collections.abc import Sequence
from datetime import datetime
from pathlib import Path

from service.intents.operations.archive import look_at
from service.notifications.alerts.operations.condition import Sighting


async def archive_full(_: datetime, *, directory: Path | None, files: int) -> Sequence[Sighting]:
    """Return what is wrong once more files than these stand in the directory.

    Nothing deletes them. Only the machine that runs the job is looked at.
    """
    found = await asyncio.to_thread(look_at, directory)
    if found.files <= files:
        return ()
    megabytes = found.size / 1_000_000
    return [
        Sighting(
            f"{found.files} files of archived leads ({megabytes:.0f} MB) stand in "
            "INTENT_ARCHIVE_DIR. Move old ones away: the service deletes none."
        )
    ]
