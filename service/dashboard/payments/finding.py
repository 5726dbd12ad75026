"""Find the payments that a page shows."""

from collections.abc import Sequence

from msgspec import Struct

from service.core.errors import NotFound
from service.core.paging import cursor_of, next_cursor
from service.core.principal import Principal
from service.payments.history.controllers import sessions_of_email
from service.payments.history.operations.gather import Told, Whole, find_whole, list_payments
from service.payments.history.repository import PaymentFilter
from service.payments.payments.states import PaymentStatus
from service.sessions.operations.caller import Caller
from service.timeline.operations.find_named import find_named
from service.web.authentication import AnyRequest
from service.web.parameters import PAGE_SIZE

STATUSES = [one.value for one in PaymentStatus]


class Search(Struct, frozen=True):
    """What somebody looks for: any id or an email address, a state, and where the page begins."""

    named: str
    status: str
    cursor: str | None


class Found(Struct, frozen=True):
    """What was found; `exact`: an id led to it. `older` begins the next page."""

    payments: Sequence[Told]
    exact: bool
    older: str | None = None


async def search(request: AnyRequest, reader: Principal, wanted: Search) -> Found:
    """Find payments by any id, else those of an email address or a user, else all."""
    named = wanted.named
    if named and "@" not in named:
        found = await _by_id(named, reader)
        if found:
            return Found(found, exact=True)
    sessions = await sessions_of_email(request, reader, named) if "@" in named else None
    filters = PaymentFilter(
        merchant_id=reader.merchant_id,
        user_id=named if named and sessions is None else None,
        status=PaymentStatus(wanted.status) if wanted.status else None,
        session_ids=sessions,
    )
    place = cursor_of(wanted.cursor)
    listed, following = await list_payments(filters, cursor=place, limit=PAGE_SIZE)
    older = next_cursor(following)
    return Found(listed, exact=False, older=older)


async def whole_of(reader: Principal, payment_id: str) -> Whole | None:
    """Return a payment with all that the ledger has of it, by our own id."""
    found = await find_whole(reader.merchant_id, payment_id)
    return next((one for one in found if str(one.told.payment.id) == payment_id), None)


async def _by_id(named: str, reader: Principal) -> Sequence[Told]:
    try:
        return [one.told for one in (await find_named(named, Caller(reader))).payments]
    except NotFound:
        return []
