"""The lines of a session's own moves, of its checkouts, and of what was done by hand. Pure."""

from collections.abc import Iterable, Iterator

from service.audit.documents import AuditEntry
from service.core.strict_json import JsonObject
from service.providers.actors import actor
from service.sessions.documents import Session
from service.sessions.states import Status
from service.timeline.operations.entry import Entry, Tone

_MOVES: dict[Status, Tone] = {
    Status.COMPLETED: "good",
    Status.FAILED: "bad",
    Status.EXPIRED: "bad",
    Status.CANCELED: "bad",
}


def lines_of_moves(session: Session) -> Iterator[Entry]:
    """Return a line for each state that the session came into."""
    for move in session.history:
        moved = f"From {move.from_status} to" if move.from_status else "To"
        detail: JsonObject = {"by": move.by, "eventId": move.event_id, "reason": move.reason}
        summary = f"{moved} {move.to} by {actor(move.by)}"
        yield Entry(move.at, "move", summary, detail, _MOVES.get(move.to, ""))


def lines_of_checkouts(session: Session) -> Iterator[Entry]:
    """Return a line for each checkout that was opened."""
    for checkout in session.checkouts:
        summary = f"Checkout {checkout.n} was opened at {actor(session.provider)}"
        yield Entry(checkout.opened_at, "checkout", summary, {"ref": checkout.ref})


def lines_of_acts(acts: Iterable[AuditEntry]) -> Iterator[Entry]:
    """Return a line for each act of a person or a key."""
    for act in acts:
        because = f": {act.reason}" if act.reason else ""
        detail: JsonObject = {**act.detail, "by": act.actor}
        yield Entry(act.at, "audit", f"{act.action} by {actor(act.actor)}{because}", detail)
