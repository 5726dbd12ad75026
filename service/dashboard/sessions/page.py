"""The pages of the dashboard: find a session, and see what touched it."""

from collections import Counter
from collections.abc import Sequence
from datetime import datetime

from litestar import Response
from msgspec import Struct

from service.dashboard.frame import PAGES
from service.dashboard.payments.lines import LONGEST_ID
from service.dashboard.reading import Frame
from service.dashboard.said import shortened
from service.dashboard.sessions.lines import KINDS
from service.extension import LatestCheckouts, Line
from service.providers.money import to_major
from service.providers.registry import REGISTRY
from service.sessions.documents import Session
from service.sessions.states import Status, status_at

_TONES = {
    Status.PENDING: "info",
    Status.PROCESSING: "warn",
    Status.COMPLETED: "good",
    Status.FAILED: "bad",
    Status.EXPIRED: "bad",
    Status.CANCELED: "bad",
}


class SessionLine(Struct, frozen=True):
    """A row of the list of sessions."""

    session_id: str
    status: str
    tone: str
    price: str
    provider: str
    item: str
    opened_at: datetime


def search_page(
    opened: Sequence[SessionLine], latest: LatestCheckouts | None, frame: Frame
) -> Response[str]:
    """Show the first page: the sessions that were opened last.

    `latest` is what an extension opened last, None without extension.
    """
    return PAGES.show(
        "sessions.html", token=frame.token, pages=frame.pages, opened=opened, latest=latest
    )


def session_line(session: Session, now: datetime) -> SessionLine:
    """Return a session as a row of the list."""
    status = status_at(session.status, session.expires_at, now)
    return SessionLine(
        session_id=session.session_id,
        status=status,
        tone=_TONES[status],
        price=_price(session.amount, session.provider, session.currency),
        provider=REGISTRY[session.provider].traits.title,
        item=shortened(_item(session) or "", LONGEST_ID),
        opened_at=session.created_at,
    )


def missing_page(session_id: str, frame: Frame) -> Response[str]:
    """Show the page of a session that does not exist."""
    return PAGES.show(
        "missing.html",
        status_code=404,
        token=frame.token,
        pages=frame.pages,
        session_id=session_id,
    )


def timeline_page(
    session: Session, standing: Status, why: str, lines: Sequence[Line], frame: Frame
) -> Response[str]:
    """Show the page of a session."""
    return PAGES.show(
        "session.html",
        token=frame.token,
        pages=frame.pages,
        session_id=session.session_id,
        status=standing,
        tone=_TONES[standing],
        live=standing in {Status.PENDING, Status.PROCESSING},
        why=why,
        facts=_facts(session),
        kinds={**KINDS, **frame.kinds},
        counts=Counter(line.kind for line in lines),
        lines=lines,
        since=session.created_at,
    )


def _facts(session: Session) -> dict[str, str | None]:
    return {
        "Amount": _price(session.amount, session.provider, session.currency),
        "Provider": REGISTRY[session.provider].traits.title,
        "For": _item(session),
        "User": session.user_id,
        "Payment": session.provider_payment_id,
        "Opened": f"{session.created_at:%F %T} UTC",
        "Expires": f"{session.expires_at:%F %T} UTC",
        "Completed": f"{session.completed_at:%F %T} UTC" if session.completed_at else None,
    }


def _item(session: Session) -> str | None:
    return session.plan or session.pass_id or session.event_id


def _price(amount: int, provider: str, currency: str) -> str:
    return f"{to_major(amount, provider, currency)} {currency}"
