"""What the service has acknowledged, and whether the database still has it."""

from dataclasses import dataclass, field
from typing import Any

from service.storage.database import Database


@dataclass(slots=True)
class Books:
    """Every write that was answered with success."""

    opened: list[str] = field(default_factory=list)
    paid: dict[str, str] = field(default_factory=dict)  # event id: session id

    async def lost(self, database: Database) -> list[str]:
        """Return what was acknowledged and is not there, in words; majority reads decide."""
        sessions = {
            row["sessionId"]: row["status"]
            async for row in database["sessions"].find({}, {"sessionId": 1, "status": 1})
        }
        events: dict[str, Any] = {
            row["eventId"]: row["status"]
            async for row in database["webhook_events"].find({}, {"eventId": 1, "status": 1})
        }
        payers = {row["sessionId"] async for row in database["payments"].find({}, {"sessionId": 1})}
        found = [f"session {one} was opened" for one in self.opened if one not in sessions]
        for event, session in self.paid.items():
            if events.get(event) != "processed":
                found.append(f"event {event} was taken")
            if sessions.get(session) != "completed":
                found.append(f"session {session} was completed")
            if session not in payers:
                found.append(f"session {session} was paid")
        return found
