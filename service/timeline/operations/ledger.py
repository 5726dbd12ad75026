"""What the ledger has of a session, and how its lines speak of money."""

from collections.abc import Iterable, Sequence
from typing import Protocol

from msgspec import Struct

from service.payments.attempts import repository as attempts
from service.payments.attempts.documents import Attempt
from service.payments.disputes import repository as disputes
from service.payments.disputes.documents import Dispute
from service.payments.payments import repository as payments
from service.payments.payments.documents import Payment
from service.payments.refunds import repository as refunds
from service.payments.refunds.documents import Refund
from service.providers.money import to_major
from service.providers.reasons import why_declined, why_not_refunded
from service.storage.plain import NO_TRANSACTION


class Ledger(Struct, frozen=True):
    """What the ledger has of a session, payments and refunds oldest first; `failed` are tries."""

    payments: Sequence[Payment] = ()
    failed: Sequence[Attempt] = ()
    refunds: Sequence[Refund] = ()
    disputes: Sequence[Dispute] = ()


NOTHING = Ledger()


class Failed(Protocol):
    """What says why it failed, as its provider does."""

    @property
    def provider(self) -> str:
        """Whose words they are."""
        ...

    @property
    def failure_code(self) -> str | None:
        """The provider's word for it."""
        ...

    @property
    def failure_message(self) -> str | None:
        """What it says to people."""
        ...


async def read_ledger(merchant_id: str, session_id: str) -> Ledger:
    """Read all rows of a session."""
    paid = await payments.of_session(merchant_id, session_id)
    ids = [str(one.id) for one in paid]
    return Ledger(
        paid,
        await attempts.of_session(merchant_id, session_id),
        await refunds.of_payments(ids, NO_TRANSACTION) if ids else (),
        await disputes.of_payments(ids, NO_TRANSACTION) if ids else (),
    )


def price(amount: int, provider: str, currency: str) -> str:
    """Return an amount as people write it: `10.00 INR`."""
    return f"{to_major(amount, provider, currency)} {currency}"


def why_failed(said: Attempt | Payment) -> str:
    """Return why a payment failed: in plain words where these are known, and in the provider's."""
    codes = (said.decline_code, said.failure_code)
    return _in_words(why_declined(said.provider, *codes), codes, said)


def why_not_made(said: Refund) -> str:
    """Return why a refund failed: in plain words where these are known, and in the provider's."""
    return _in_words(why_not_refunded(said.provider, said.failure_code), [said.failure_code], said)


def _in_words(plain: str | None, codes: Iterable[str | None], said: Failed) -> str:
    theirs = ", ".join(dict.fromkeys(code for code in codes if code is not None))
    message = (said.failure_message or "").rstrip(".")
    words = (plain or message).rstrip(".")
    if not words:
        return theirs or "nobody said why"
    begun = f"{words[:1].lower()}{words[1:]}" if plain else words
    return f"{begun} ({theirs})" if theirs else begun
