"""Which payments a session waits for."""

from service.effects.applying import Applying
from service.payments.payments.operations.record import Recorded
from service.payments.payments.states import LIVE, PaymentStatus
from service.providers.facts import Payment
from service.sessions.documents import Session
from service.sessions.operations.moving.by_facts import move_by_facts
from service.sessions.operations.reviewing.captures import (
    PaymentState,
    as_row,
    claimed,
    request_capture,
)
from service.sessions.operations.reviewing.decisions import is_wanted
from service.storage.database import Row


async def count_under_way(
    doing: Applying, session: Session, payment: Payment, recorded: Recorded, ids: Row
) -> Session:
    """Count a payment among those under way, or no longer, as the ledger has it by now.

    Money of another amount is not waited for: it completes nothing unless a person accepts it.
    """
    payment_id = payment.provider_payment_id
    others = {*session.live_attempts} - {payment_id}
    state = PaymentState(
        payment_id, PaymentStatus(recorded.status), recorded.amount, recorded.currency
    )
    wanted = is_wanted(session, payment_id, state.amount, state.currency)
    lives = state.status in LIVE and wanted
    claim = await claimed(doing.tx, session, state, others, doing.cause.at)
    changes = ids | {"capturing": as_row(claim)}
    after = await move_by_facts(doing, session, others | {payment_id} if lives else others, changes)
    await request_capture(doing.tx, session, after, state, doing.cause.at)
    return after
