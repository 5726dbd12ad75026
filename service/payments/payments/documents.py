"""One payment."""

from datetime import datetime, timedelta
from typing import ClassVar

from msgspec import Struct
from pydantic import Field, InstanceOf
from pymongo import ASCENDING, DESCENDING, IndexModel

from service.core.strict_json import JsonObject
from service.payments.entries.documents import unposted_index
from service.payments.payments.states import PaymentStatus
from service.storage.database import EMPTY_TIME, DatabaseTime
from service.storage.documents import StoredDocument

# The least by which two times that are stored can differ.
_TICK = timedelta(milliseconds=1)

BY_HAND = "hand"
"""The method of a payment that a server entered: no provider has reported it."""


class Claim(Struct, frozen=True):
    """The session that a payment belongs to.

    `opened_at` is when that was opened: its id may be taken anew once it is purged. None in rows of
    before that was kept.
    """

    merchant_id: str
    session_id: str
    opened_at: datetime | None

    def is_of(self, merchant_id: str, session_id: str, opened_at: datetime) -> bool:
        """Return whether it is a session's, and not that of an earlier one of the same id."""
        return (
            self.session_id == session_id
            and self.merchant_id == merchant_id
            and self.opened_at in (None, opened_at)
        )


TRUSTED_OWNERS = ("trusted", None)
"""Whoever opened a session with one of these was a server or the user; None is of older rows."""


class Payment(StoredDocument):
    """One verified payment: what the provider surely said of it. Amounts in minor units.

    `provider_payment_id` is the key of the row; a completion by hand has
    `hand:{merchantId}:{sessionId}`, and in `aliases` the id that its server named: nobody has
    verified it, so it claims nothing. (`merchant_id`, `session_id`) is the claim: the first session
    that a verified event tied the payment to, the one that was opened at `session_opened_at`.
    `status_at` is the provider's time of the fact that `status` comes from, `first_at` that of the
    earliest one (in rows of before that was kept, about that); `final` marks a failure that nothing
    but money can overrule. `updated_at` is when we last heard of it, also where the provider was
    asked and only said again what it had said. `written_at` is the database's time of the last
    change.

    `owner` says who opened its session, as the session has it: a browser may have named any user.
    None in rows of before that was kept.

    `aliases` are all other ids by which it is known. `plan_name` and `metadata` are its session's
    as it was claimed. `details` are those of the provider's facts (`providers.facts.Details`), by
    their stored names; `places` says of each, and of `payment_method`, where in the order of all
    facts the one stands that it is of.

    `refunded` is the sum of its refunds that succeeded, at most the amount, and `excess` what is
    reported beyond that; `reserved` is the sum of those that are approved or under way, `held` what
    its disputes hold or have taken. `event_id` is the event that `status` comes from. `unposted`:
    its entries may lack what was changed last.
    """

    merchant_id: str
    provider: str
    account: str
    live: bool | None = None
    provider_payment_id: str
    provider_session_id: str | None = None
    provider_subscription_id: str | None = None
    provider_customer_id: str | None = None
    session_id: str | None = None
    session_opened_at: datetime | None = None
    owner: str | None = None
    user_id: str | None = None
    plan_id: str | None = None
    plan_name: str | None = None
    amount: int
    currency: str
    status: PaymentStatus
    status_at: datetime
    first_at: datetime | None = None
    final: bool = False
    payment_method: str | None = None
    failure_code: str | None = None
    failure_message: str | None = None
    decline_code: str | None = None
    failure_details: JsonObject | None = None
    details: dict[str, object] = Field(default_factory=dict)
    places: dict[str, int] = Field(default_factory=dict)
    aliases: list[str] = Field(default_factory=list)
    refunded: int = 0
    excess: int = 0
    reserved: int = 0
    held: int = 0
    unposted: bool = False
    event_id: str | None = None
    metadata: JsonObject
    created_at: datetime
    updated_at: datetime
    written_at: InstanceOf[DatabaseTime] = EMPTY_TIME

    money_fields: ClassVar[tuple[str, ...]] = (
        "amount",
        "refunded",
        "excess",
        "reserved",
        "held",
    )
    optional_money_fields: ClassVar[tuple[str, ...]] = (
        "details.fee",
        "details.feeTax",
        "details.tax",
    )

    @property
    def net(self) -> int | None:
        """Return the amount less the provider's fee; None while that is unknown in its currency."""
        fee = self.details.get("fee")
        if not isinstance(fee, int) or self.details.get("feeCurrency") != self.currency:
            return None
        return self.amount - fee

    def is_own(self, user_id: str) -> bool:
        """Return whether it is a user's own: a browser may have named any user as its own."""
        return self.user_id == user_id and self.owner in TRUSTED_OWNERS

    def touched_at(self, now: datetime) -> datetime:
        """Return the `updated_at` of a write at `now` that is one whatever else it sets.

        Two works that must not both stand write the row, each from what it has read. A time that
        is there already changes nothing, and what changes nothing conflicts with nobody.
        """
        return max(now, self.updated_at + _TICK)

    @property
    def claim(self) -> Claim | None:
        """Return whose it is, None where no session has matched it yet."""
        if self.session_id is None:
            return None
        return Claim(self.merchant_id, self.session_id, self.session_opened_at)

    class Settings:
        """Collection and indexes."""

        name = "payments"
        indexes: ClassVar[list[IndexModel]] = [
            IndexModel(
                [
                    ("provider", ASCENDING),
                    ("account", ASCENDING),
                    ("providerPaymentId", ASCENDING),
                ],
                name="provider_account_providerPaymentId",
                unique=True,
                partialFilterExpression={"providerPaymentId": {"$type": "string"}},
            ),
            IndexModel(
                [
                    ("merchantId", ASCENDING),
                    ("userId", ASCENDING),
                    ("createdAt", DESCENDING),
                    ("_id", DESCENDING),
                ],
                name="merchant_user_createdAt_id",
            ),
            IndexModel([("sessionId", ASCENDING)], name="sessionId"),
            IndexModel([("aliases", ASCENDING)], name="aliases"),
            # Also for lists of all: the database merges the few states, which are sorted each.
            IndexModel(
                [
                    ("merchantId", ASCENDING),
                    ("status", ASCENDING),
                    ("createdAt", DESCENDING),
                    ("_id", DESCENDING),
                ],
                name="merchant_status_createdAt_id",
            ),
            # For a backend that asks what has changed.
            IndexModel(
                [("merchantId", ASCENDING), ("writtenAt", ASCENDING), ("_id", ASCENDING)],
                name="merchant_writtenAt",
            ),
            unposted_index(),
        ]
