"""Named queries on the ledger."""

from service.payments.documents import Payment
from service.storage.database import Row
from service.storage.transactions import Transaction


async def find(
    provider: str, account: str, provider_payment_id: str, tx: Transaction | None = None
) -> Payment | None:
    """Find a payment by its provider's id."""
    row = await Payment.get_pymongo_collection().find_one(
        _key(provider, account, provider_payment_id), session=tx
    )
    return Payment.model_validate(row) if row else None


async def insert(payment: Payment, tx: Transaction | None) -> None:
    """Insert a payment. Raises `Duplicate` if another transaction was quicker."""
    await Payment.get_pymongo_collection().insert_one(payment.to_row(), session=tx)


async def change(payment: Payment, changes: Row, tx: Transaction | None) -> None:
    """Set fields of a payment that was read in the same transaction."""
    key = _key(payment.provider, payment.account, payment.provider_payment_id)
    await Payment.get_pymongo_collection().update_one(key, {"$set": changes}, session=tx)


async def of_session(merchant_id: str, session_id: str) -> list[Payment]:
    """Give all payments of one session, oldest first."""
    wanted = {"sessionId": session_id, "merchantId": merchant_id}
    cursor = Payment.get_pymongo_collection().find(wanted).sort("createdAt", 1).limit(1000)
    return [Payment.model_validate(row) async for row in cursor]


def _key(provider: str, account: str, provider_payment_id: str) -> Row:
    # In the words of the partial index too: an equality alone is not seen to be within it, and
    # the whole ledger would be read.
    paid = {"$eq": provider_payment_id, "$type": "string"}
    return {"provider": provider, "account": account, "providerPaymentId": paid}
