"""The pages of the dashboard: find a session, and see what touched it."""

from collections import Counter
from collections.abc import Sequence
from datetime import datetime

from litestar import Response
from msgspec import Struct

from service.core.money import to_major
from service.dashboard.frame import PAGES
from service.dashboard.sessions.line import KINDS, Line
from service.sessions.documents import Session
from service.sessions.states import Status
from tillgate_sandbox.documents import SandboxCheckout
from tillgate_sandbox.pages.words import PROVIDERS, STANDINGS

_TONES = {
    Status.PENDING: "info",
    Status.PROCESSING: "warn",
    Status.COMPLETED: "good",
    Status.FAILED: "bad",
    Status.EXPIRED: "bad",
    Status.CANCELED: "bad",
}


class Frame(Struct, frozen=True):
    """What every page is given: the token of its forms, and whether there is a sandbox."""

    token: str
    sandbox: bool


class Latest(Struct, frozen=True):
    """A row of the sandbox's latest checkouts."""

    session_id: str
    provider: str
    price: str
    tone: str
    state: str
    opened_at: datetime


def search_page(checkouts: Sequence[SandboxCheckout] | None, frame: Frame) -> Response[str]:
    """Show the first page. `checkouts` are the sandbox's latest, None where there is none."""
    latest = None if checkouts is None else [_latest(one) for one in checkouts]
    return PAGES.show("sessions.html", token=frame.token, sandbox=frame.sandbox, latest=latest)


def missing_page(session_id: str, frame: Frame) -> Response[str]:
    """Show the page of a session that is not there."""
    return PAGES.show(
        "missing.html",
        status_code=404,
        token=frame.token,
        sandbox=frame.sandbox,
        session_id=session_id,
    )


def timeline_page(
    session: Session, standing: Status, why: str, lines: Sequence[Line], frame: Frame
) -> Response[str]:
    """Show the page of a session."""
    return PAGES.show(
        "session.html",
        token=frame.token,
        sandbox=frame.sandbox,
        session_id=session.session_id,
        status=standing,
        tone=_TONES[standing],
        live=standing in {Status.PENDING, Status.PROCESSING},
        why=why,
        facts=_facts(session),
        kinds=KINDS,
        counts=Counter(line.kind for line in lines),
        lines=lines,
        since=session.created_at,
    )


def _latest(checkout: SandboxCheckout) -> Latest:
    standing = STANDINGS[checkout.status]
    return Latest(
        session_id=checkout.session_id,
        provider=PROVIDERS[checkout.provider],
        price=_price(checkout.amount, checkout.provider, checkout.currency),
        tone=standing.tone,
        state=standing.name,
        opened_at=checkout.created_at,
    )


def _facts(session: Session) -> dict[str, str | None]:
    return {
        "Amount": _price(session.amount, session.provider, session.currency),
        "Provider": PROVIDERS[session.provider],
        "For": session.plan or session.pass_id or session.event_id,
        "User": session.user_id,
        "Payment": session.provider_payment_id,
        "Opened": f"{session.created_at:%F %T} UTC",
        "Expires": f"{session.expires_at:%F %T} UTC",
        "Completed": f"{session.completed_at:%F %T} UTC" if session.completed_at else None,
    }


def _price(amount: int, provider: str, currency: str) -> str:
    return f"{to_major(amount, provider, currency)} {currency}"
