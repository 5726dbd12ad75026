"""What an event is about, and the event as it is delivered."""

import hashlib
from collections.abc import Mapping
from datetime import datetime, timedelta
from enum import StrEnum

from msgspec import Struct

from service.core.errors import InvalidInput
from service.core.strict_json import JsonObject
from service.providers.base import CheckoutMode
from service.providers.registry import ProviderName
from tillgate_sandbox.documents import CheckoutKind, SandboxCheckout, SandboxPayment
from tillgate_sandbox.states import CheckoutStatus, PaymentStatus

_KINDS: dict[str, CheckoutKind] = {"cs": "session", "plink": "link"}
_OPENED_BEFORE = timedelta(minutes=2)
_PAID_BEFORE = timedelta(seconds=6)
_OPEN_FOR = timedelta(minutes=58)


class Outcome(StrEnum):
    """The outcome of the customer's payment."""

    SUCCEEDED = "succeeded"
    FAILED = "failed"
    PROCESSING = "processing"
    EXPIRED = "expired"


class OutcomeUnknownToProvider(InvalidInput):
    """The provider has no event for this outcome."""

    code = "outcome_unknown_to_provider"


class Sale(Struct, frozen=True):
    """A session as a provider knows it. `amount` is in minor units of `currency`.

    `checkout_ref` is the provider's own checkout, None if none was opened: then an id is derived.
    `underway`: the provider has already reported that the money comes later. `at` is now.
    """

    session_id: str
    amount: int
    currency: str
    at: datetime
    merchant_id: str = "default"
    mode: CheckoutMode = "payment"
    checkout_ref: str | None = None
    user_id: str | None = None
    email: str | None = None
    underway: bool = False

    def made_id(self, prefix: str, *parts: object, length: int = 24) -> str:
        """Derive a provider's id: the same sale always has the same one.

        So an event sent again in an hour is about the same payment, as it is at a provider.
        """
        seed = ":".join(
            (self.merchant_id, self.session_id, str(self.amount), self.currency, prefix)
        )
        seed = ":".join((seed, *(str(part) for part in parts)))
        return prefix + hashlib.sha256(seed.encode()).hexdigest()[:length]


class SignedEvent(Struct, frozen=True):
    """A delivery: its body and its headers. `type` and `event_id` are for people."""

    type: str
    event_id: str
    body: bytes
    headers: Mapping[str, str]

    def __repr__(self) -> str:
        """Name the event, without the signature in its headers."""
        return f"SignedEvent({self.type} {self.event_id})"


def checkout_of(
    sale: Sale,
    *,
    id: str,
    provider: ProviderName,
    status: CheckoutStatus,
    payment: tuple[str, PaymentStatus] | None,
    request: JsonObject,
) -> SandboxCheckout:
    """Return a sale as the played provider would store it, in memory only.

    `payment` is the id and the state of the customer's last attempt, `request` what the checkout
    was opened with.
    """
    expired = status is CheckoutStatus.EXPIRED
    paid = [] if payment is None else [_payment(sale, *payment)]
    checkout: SandboxCheckout = SandboxCheckout.model_construct(
        id=id,
        provider=provider,
        kind=_KINDS.get(id.partition("_")[0], "order"),
        page_id=id,
        session_id=sale.session_id,
        amount=sale.amount,
        currency=sale.currency,
        status=status,
        payments=paid,
        happened=[],
        request=request,
        object_ids=[],
        more={},
        created_at=sale.at - _OPENED_BEFORE,
        updated_at=sale.at,
        expires_at=sale.at if expired else sale.at + _OPEN_FOR,
        purge_at=sale.at,
    )
    return checkout


def _payment(sale: Sale, payment_id: str, status: PaymentStatus) -> SandboxPayment:
    return SandboxPayment(
        id=payment_id,
        status=status,
        amount=sale.amount,
        currency=sale.currency,
        at=sale.at - _PAID_BEFORE,
    )
