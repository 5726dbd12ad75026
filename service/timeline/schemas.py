"""What goes over the wire about a timeline."""

from datetime import datetime

from msgspec import Struct

from service.core.strict_json import JsonObject
from service.core.views import view_of
from service.sessions.operations.caller import Caller
from service.sessions.schemas.answers import SessionView, session_view
from service.timeline.operations.gather import Timeline


class EntryView(Struct, frozen=True, rename="camel"):
    """One thing that touched the session."""

    at: datetime
    what: str
    summary: str
    detail: JsonObject


class TimelineAnswer(Struct, frozen=True, rename="camel"):
    """All that touched a session, oldest first; `why` says why it is in its state."""

    session: SessionView
    why: str
    entries: list[EntryView]


def timeline_view(timeline: Timeline, caller: Caller, now: datetime) -> TimelineAnswer:
    """Show a timeline."""
    entries = [view_of(EntryView, entry) for entry in timeline.entries]
    return TimelineAnswer(session_view(timeline.session, caller, now), timeline.why, entries)
