"""Find the session that somebody names by an id of its payment."""

from service.payments.payments import repository as payments
from service.storage.answering import answers_in_time


async def session_paid_by(merchant_id: str, any_id: str) -> str | None:
    """Return the session of a payment, named by any id that the ledger knows of it.

    A provider's own (payment, charge, invoice, order), or the bank's. Of several the latest.
    """
    async with answers_in_time():
        found = await payments.find_by_any_id(merchant_id, any_id)
    named = [one.session_id for one in found if one.session_id is not None]
    return named[0] if named else None
