"""Make a session stop waiting for payments that are not under way."""

from collections.abc import Collection

from service.sessions.checkouts.services import CheckoutServices
from service.sessions.documents import Session
from service.sessions.operations.moving.by_facts import move_by_facts
from service.sessions.operations.moving.move import Cause, Moving
from service.sessions.operations.reviewing.captures import as_row, next_claim, request_capture
from service.sessions.states import Status
from service.storage.transaction import Transaction


async def stop_waiting(
    tx: Transaction,
    session: Session,
    waits: Collection[str],
    cause: Cause,
    services: CheckoutServices,
) -> Session:
    """Make a session wait for these payments only, and move it accordingly.

    If one that is no longer under way was to be captured, the next held one takes its turn.
    """
    live = [one for one in session.live_attempts if one in waits]
    claim = session.capturing
    if claim is not None and claim.payment_id not in waits:
        claim = await next_claim(tx, session, live, cause.at)
    nothing = session.status is Status.PROCESSING and not live
    doing = Moving(tx, cause, services.rules.lifetimes)
    after = await move_by_facts(doing, session, live, {"capturing": as_row(claim)}, known=nothing)
    await request_capture(tx, session, after, None, cause.at)
    return after
