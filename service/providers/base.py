"""What every payment provider offers: one protocol, and the event that proves a payment."""

from collections.abc import Mapping
from datetime import datetime
from typing import Literal, Protocol, runtime_checkable

from msgspec import Struct, structs

from service.core.strict_json import JsonObject
from service.core.views import view_of
from service.providers.facts import Fact, RefundUpdated, Subject
from service.providers.subscribed import Interval

CheckoutMode = Literal["payment", "subscription"]

# Our own account at the provider; another value names a connected or a foreign account.
OWN_ACCOUNT = "default"

_MODES = {True: "live", False: "test", None: "any"}


class VerifiedEvent(Struct, frozen=True):
    """Something that a provider surely said. Only code below `service/providers` makes one.

    `event_id` is the provider's own, or derived from the content where the provider has none.
    `live` is None where the provider does not report the mode. `facts` is empty for a type that
    Tillgate has no use for. `needs_confirmation` names the checkout or refund that must be asked
    for before anything is believed: the message's authenticity does not cover its content. Only
    with `confirmed` were its facts reported by the provider when it was asked.
    `payload` is the provider's JSON as received; `translate_stored` reads it again. `learned` is
    what the provider said when it was asked in which checkout the event's payment was made; it is
    part of `subject` by then.
    `provider_event_id` is what the provider calls the event where no signature vouches for it: it
    is kept beside the row and decides nothing.
    """

    provider: str
    account: str
    live: bool | None
    event_id: str
    type: str
    occurred_at: datetime
    subject: Subject
    facts: tuple[Fact, ...]
    payload: bytes
    needs_confirmation: str | None = None
    provider_event_id: str | None = None
    learned: Subject | None = None
    confirmed: bool = False

    @property
    def inbox_id(self) -> str:
        """Return the inbox key: provider:account:mode:event id."""
        return inbox_id_of(self.provider, self.account, self.live, self.event_id)


def inbox_id_of(provider: str, account: str, live: bool | None, event_id: str) -> str:
    """Return the inbox key of an event: provider:account:mode:event id."""
    return f"{provider}:{account}:{_MODES[live]}:{event_id}"


def confirmed_by(hint: VerifiedEvent, answer: VerifiedEvent) -> VerifiedEvent | None:
    """Return the hinted event with the facts that the provider reported when it was asked.

    None while the provider reports another state: the hint is not believed then.
    """
    if not any(_bears_out(reported, fact) for fact in hint.facts for reported in answer.facts):
        return None
    return structs.replace(
        hint,
        facts=answer.facts,
        # The hint's own are no more to be believed than the rest of it.
        subject=answer.subject,
        account=answer.account,
        live=answer.live,
        confirmed=True,
    )


def _bears_out(reported: Fact, hinted: Fact) -> bool:
    if isinstance(reported, RefundUpdated) and isinstance(hinted, RefundUpdated):
        # One that was accepted may have gone on since; an end must be the end that was hinted at.
        return hinted.status in (reported.status, "pending")
    return type(reported) is type(hinted)


def restored(row: object, *, subject: JsonObject, asks: str | None) -> VerifiedEvent:
    """Rebuild an event from its row in the inbox, where its payload was cut.

    `subject` and `asks` (`needs_confirmation`) are what was kept in place of the payload.
    """
    return view_of(VerifiedEvent, row, subject=subject, needs_confirmation=asks)


class CheckoutRequest(Struct, frozen=True):
    """What a provider needs to open a checkout for one attempt of a session.

    `attempt_id` is unique per session and attempt, at most 40 characters: it goes out as receipt,
    reference or order id. `idempotency_key` is the same for each repetition of one attempt.
    `repeated` means that an earlier call of this attempt may have reached the provider.
    `plan_price` is the provider's id of the plan's price, None where its settings have it.
    """

    session_id: str
    merchant_id: str
    attempt_id: str
    idempotency_key: str
    kind: Literal["payment", "checkout"]
    mode: CheckoutMode
    amount: int
    currency: str
    quantity: int
    description: str
    expires_at: datetime
    success_url: str
    cancel_url: str
    plan: str | None = None
    user_id: str | None = None
    email: str | None = None
    customer_id: str | None = None
    trial_days: int | None = None
    repeated: bool = False
    plan_price: str | None = None


class OpenedCheckout(Struct, frozen=True):
    """A checkout that now stands at the provider. `url` is None where our page draws it itself.

    `amount` and `currency` are what the provider says that it will charge, None if it is silent.
    `qr_code` is an SVG data URI (UPI). Of a subscription, what is charged lasts `interval_count`
    intervals; None where the provider is silent.
    """

    ref: str
    url: str | None
    amount: int | None
    currency: str | None
    expires_at: datetime | None = None
    qr_code: str | None = None
    interval: Interval | None = None
    interval_count: int = 1


class PeriodPrice(Struct, frozen=True):
    """What a provider's price charges for one unit each period, in minor units of `currency`.

    `amount` is None where it is not one fixed amount. A period is `interval_count` intervals long;
    `interval` is None where the provider's has no word of ours.
    """

    amount: int | None
    currency: str
    interval: Interval | None
    interval_count: int


class CheckoutScript(Struct, frozen=True):
    """A provider's script that draws a checkout above the merchant's page; `key` is public."""

    url: str
    key: str


class ClosedCheckout(Struct, frozen=True):
    """What came of closing a checkout. `event` is set where it turned out to be paid or under way.

    `closed` is False where the provider has no way to close it (a Razorpay order, PhonePe): it runs
    out by itself, and a payment that still comes is applied as a late one.
    """

    closed: bool
    event: VerifiedEvent | None = None


@runtime_checkable
class Provider(Protocol):
    """One payment provider. What only some of them can do is a protocol of its own.

    Methods that call out take at most the provider's own time limit. They raise
    `ProviderUnreachable` when the outcome is unknown and `ProviderFailed` when the provider surely
    did nothing.
    """

    @property
    def name(self) -> str:
        """Return the provider's name, as it stands in routes and documents."""
        ...

    @property
    def account(self) -> str:
        """Return the account whose events are ours: `OWN_ACCOUNT`."""
        ...

    @property
    def live(self) -> bool | None:
        """Return the mode that our keys are for; None where they don't say."""
        ...

    async def open_checkout(self, request: CheckoutRequest) -> OpenedCheckout:
        """Open a checkout; a repeated call with the same key finds the first one."""
        ...

    async def aclose(self) -> None:
        """Close what connections are open, before the event loop ends."""
        ...


@runtime_checkable
class SendsWebhooks(Protocol):
    """A provider that reports what becomes of its payments, all but those completed by hand."""

    @property
    def receives_webhooks(self) -> bool:
        """Return whether a webhook secret is set; without one the route does not exist."""
        ...

    def verify(self, headers: Mapping[str, str], body: bytes, now: datetime) -> VerifiedEvent:
        """Check a webhook's signature over its raw bytes, then parse and translate it.

        Header names are lower case. Raises `SignatureRejected` for a signature that is missing,
        malformed, stale, from the future or somebody else's; never another error. What is genuine
        and can't be read is an event too, with the fact `Unreadable`.
        """
        ...

    def translate_stored(self, event_id: str, payload: bytes) -> VerifiedEvent:
        """Translate a payload that was verified when it was stored, for replay and retry."""
        ...


@runtime_checkable
class AnswersFetches(Protocol):
    """A provider that can be asked how a checkout or a payment stands."""

    async def fetch(self, ref: str) -> VerifiedEvent:
        """Re-read a checkout with our credentials: an event whose id contains the state found."""
        ...


@runtime_checkable
class ClosesCheckouts(Protocol):
    """A provider whose open checkouts can be closed, or at least be asked about before they are."""

    async def close_checkout(self, ref: str) -> ClosedCheckout:
        """Close an open checkout so that it can't be paid any more, or report that it was paid."""
        ...


@runtime_checkable
class Captures(AnswersFetches, Protocol):
    """A provider that holds money until it is captured; it reports what it still holds."""

    async def capture(self, provider_payment_id: str, amount: int, currency: str) -> None:
        """Take money that is held. A payment that is captured already is no error.

        Raises `CaptureRefused` where it can't be taken, so that trying again is of no use.
        """
        ...


@runtime_checkable
class KnowsCheckouts(Protocol):
    """A provider some of whose events don't say in which checkout their payment was made."""

    async def checkout_of(self, event: VerifiedEvent, *, matched: bool) -> Subject | None:
        """Ask for the checkout of an event's payment; None where there is nothing to ask.

        `matched`: the event names a session, of which it is not known whether the checkout is its
        own. Raises `ProviderUnreachable` and `ProviderFailed`.
        """
        ...


@runtime_checkable
class ChecksCallbacks(Protocol):
    """A provider whose checkout hands the browser a signed proof (Razorpay)."""

    def check_callback(self, ref: str, payment_id: str, signature: str) -> None:
        """Check the proof for the checkout that we opened. Raises `SignatureRejected`."""
        ...


@runtime_checkable
class DrawsCheckouts(Protocol):
    """A provider whose checkouts may have no page: a script of its own draws them (Razorpay)."""

    def checkout_script(self) -> CheckoutScript:
        """Return the script that a browser loads for it."""
        ...


@runtime_checkable
class AnswersHints(Protocol):
    """A provider whose webhooks are hints: each is asked about before it is believed (PhonePe)."""

    async def ask_about(self, hint: VerifiedEvent) -> VerifiedEvent:
        """Re-read what a hint names, with our credentials."""
        ...
