"""Razorpay as a provider of Tillgate."""

import re
from collections.abc import Mapping
from datetime import datetime

from service.core.clock import Clock
from service.core.errors import (
    MalformedBody,
    ProviderFailed,
    ProviderUnreachable,
)
from service.core.strict_json import JsonObject, parse
from service.providers.base import (
    OWN_ACCOUNT,
    CheckoutRequest,
    CheckoutScript,
    ClosedCheckout,
    OpenedCheckout,
    PeriodPrice,
    VerifiedEvent,
)
from service.providers.calling import CALL_SECONDS, OPEN_SECONDS, Refused, within
from service.providers.facts import (
    CheckoutExpired,
    CheckoutFailed,
    PaidPartially,
    PaymentAuthorized,
    PaymentSucceeded,
    Subject,
)
from service.providers.razorpay import moving, subscriptions
from service.providers.razorpay.client import PROVIDER, RazorpayClient
from service.providers.razorpay.fetched import translate_fetched
from service.providers.razorpay.opening import open_link, open_order
from service.providers.razorpay.parents import (
    invoice_of,
    payment_and_order,
    read_again,
    read_invoice,
    read_parents,
)
from service.providers.razorpay.settings import RazorpaySettings
from service.providers.razorpay.traits import TRAITS
from service.providers.razorpay.translate import Origin, translate_webhook, unreadable
from service.providers.razorpay.verify import (
    check_signature,
    event_id_of,
    named_in,
    read_event,
    verify_checkout_callback,
)
from service.providers.refunding import RefundRequest, outcome_told
from service.providers.signing import is_secret

_REF = re.compile(r"(order|plink|pay|sub)_[A-Za-z0-9_]{1,60}")
_UNREADABLE = f"{PROVIDER} gave an unreadable answer."
_NO_KEY = "RAZORPAY_KEY_ID and RAZORPAY_KEY_SECRET are not set."
_PAID_OR_UNDER_WAY = PaymentSucceeded | PaymentAuthorized | PaidPartially


class RazorpayProvider:
    """Orders and payment links, their webhooks, re-reads and captures."""

    name = TRAITS.name
    account = OWN_ACCOUNT

    def __init__(self, settings: RazorpaySettings, clock: Clock) -> None:
        """Keep the settings; the key's prefix shows the mode, which messages don't contain."""
        self.live = settings.live
        self._secrets = tuple(filter(is_secret, settings.webhook_secrets))
        self.receives_webhooks = bool(self._secrets)
        self._key_secret = settings.key_secret if is_secret(settings.key_secret) else None
        self._has_key = bool(settings.key_id and self._key_secret)
        self._plans = {"basic": settings.plan_basic, "premium": settings.plan_premium}
        self._client = RazorpayClient(settings)
        self._clock = clock
        self._script = CheckoutScript(settings.checkout_script, settings.key_id or "")

    def verify(self, headers: Mapping[str, str], body: bytes, now: datetime) -> VerifiedEvent:
        """Check and translate a webhook. Raises `SignatureRejected`."""
        check_signature(headers, body, self._secrets)
        origin = Origin(event_id_of(body), body, self.live, now, named_in(headers))
        event: JsonObject = {}
        try:
            event = read_event(body)
            return translate_webhook(event, origin)
        except MalformedBody as error:
            return unreadable(event, origin, error.message)

    def translate_stored(self, event_id: str, payload: bytes) -> VerifiedEvent:
        """Translate a webhook or a re-read that was stored. Raises `MalformedBody`."""
        parsed = parse(payload)
        if not isinstance(parsed, dict):
            raise MalformedBody("The stored payload is not a JSON object.")
        if "read" in parsed:
            return subscriptions.translate_reading(parsed, self.live, self._plans)
        if event_id.startswith("fetch:"):
            return translate_fetched(parsed, self.live)
        origin = Origin(event_id, payload, self.live, self._clock.now())
        return translate_webhook(parsed, origin)

    def check_callback(self, ref: str, payment_id: str, signature: str) -> None:
        """Check what the checkout handed to the browser. Raises `SignatureRejected`."""
        if self._key_secret is None:
            raise ProviderFailed(_NO_KEY)
        verify_checkout_callback(ref, payment_id, signature, self._key_secret)

    def checkout_script(self) -> CheckoutScript:
        """Return Checkout.js, which opens an order above the merchant's page."""
        return self._script

    async def open_checkout(self, request: CheckoutRequest) -> OpenedCheckout:
        """Open an order (kind `payment`), a payment link (kind `checkout`) or a subscription."""
        self._need_key()
        async with within(PROVIDER, OPEN_SECONDS):
            try:
                if request.mode == "subscription":
                    return await subscriptions.open_subscription(self._client, request, self._plans)
                if request.kind == "payment":
                    return await open_order(self._client, request)
                return await open_link(self._client, request, self._clock.now())
            except MalformedBody as error:
                raise ProviderUnreachable(f"{PROVIDER} opened something unreadable.") from error

    async def fetch(self, ref: str) -> VerifiedEvent:
        """Re-read an order, a payment link or a payment by its id."""
        self._check_ref(ref)
        async with within(PROVIDER, CALL_SECONDS):
            return await self._fetch(ref)

    async def checkout_of(self, event: VerifiedEvent, *, matched: bool) -> Subject | None:
        """Re-read the order of an event's payment, and the payment link or the invoice it paid.

        Webhooks of a payment name its order alone, and what they show of notes is a browser's.
        """
        found, invoice_id = payment_and_order(event.subject), invoice_of(event.facts)
        if matched or found is None or not self._has_key:
            return None
        async with within(PROVIDER, CALL_SECONDS):
            if invoice_id and (learned := await read_invoice(self._client, invoice_id)):
                return learned
            return await read_parents(self._client, *found)

    async def close_checkout(self, ref: str) -> ClosedCheckout:
        """Cancel a payment link, or a subscription nobody paid; an order can't be closed."""
        if not ref.startswith(("plink_", "sub_")):
            return ClosedCheckout(closed=False, event=_if_paid(await self.fetch(ref)))
        if ref.startswith("sub_") and (paid := _if_paid(await self.fetch(ref))):
            return ClosedCheckout(closed=False, event=paid)
        self._check_ref(ref)
        kind = "subscriptions" if ref.startswith("sub_") else "payment_links"
        async with within(PROVIDER, CALL_SECONDS):
            try:
                await self._client.post(f"{kind}/{ref}/cancel", {})
            except Refused:  # paid, partly paid, expired or cancelled before
                event = await self._fetch(ref)
            else:
                return ClosedCheckout(closed=True)
        ended = CheckoutFailed | CheckoutExpired | PaymentSucceeded
        closed = any(isinstance(fact, ended) for fact in event.facts)
        return ClosedCheckout(closed=closed, event=_if_paid(event))

    async def capture(self, provider_payment_id: str, amount: int, currency: str) -> None:
        """Capture an authorized payment; after a refusal the payment itself shows whether it was.

        Raises `CaptureRefused`, but not while another capture of it is in progress, which may be
        an earlier call of ours.
        """
        self._need_key()
        async with within(PROVIDER, CALL_SECONDS):
            await moving.take_held(self._client, provider_payment_id, amount, currency)

    async def refund(self, request: RefundRequest) -> VerifiedEvent:
        """Make a refund. Raises `RefundRefused`."""
        self._need_key()
        with outcome_told():
            async with within(PROVIDER, OPEN_SECONDS):
                try:
                    return await moving.make_refund(
                        self._client, request, self._clock.now(), self.live
                    )
                except MalformedBody as error:
                    raise ProviderUnreachable(_UNREADABLE) from error

    async def find_refund(
        self, request: RefundRequest, provider_refund_id: str | None = None
    ) -> VerifiedEvent | None:
        """Ask for a refund by Razorpay's id, or by ours in its notes or receipt."""
        self._need_key()
        now = self._clock.now()
        async with within(PROVIDER, OPEN_SECONDS):
            try:
                return await moving.look_for_refund(
                    self._client, request, provider_refund_id, now, self.live
                )
            except MalformedBody as error:
                raise ProviderUnreachable(_UNREADABLE) from error

    async def read_subscription(self, subscription_id: str, read: int) -> VerifiedEvent:
        """Read a subscription (`sub_…`) and its plan."""
        self._check_ref(subscription_id)
        now = self._clock.now()
        async with within(PROVIDER, CALL_SECONDS):
            try:
                found = await subscriptions.read_subscription(
                    self._client, subscription_id, read, now
                )
                return subscriptions.translate_reading(found, self.live, self._plans)
            except MalformedBody as error:
                raise ProviderUnreachable(_UNREADABLE) from error

    async def cancel_subscription(self, subscription_id: str, *, at_period_end: bool) -> None:
        """End a subscription now, or with its cycle."""
        self._check_ref(subscription_id)
        async with within(PROVIDER, OPEN_SECONDS):
            await subscriptions.cancel(self._client, subscription_id, at_period_end=at_period_end)

    async def reactivate_subscription(self, subscription_id: str) -> None:
        """Let a paused subscription go on. Raises `NotOffered` for any other."""
        self._check_ref(subscription_id)
        async with within(PROVIDER, OPEN_SECONDS):
            await subscriptions.reactivate(self._client, subscription_id)

    @property
    def takes_back_endings(self) -> bool:
        """Razorpay has no way to do so: `resume` is for those that are paused."""
        return False

    @property
    def plan_prices(self) -> Mapping[str, str]:
        """Return what RAZORPAY_PLAN_BASIC and RAZORPAY_PLAN_PREMIUM are set to."""
        return {plan: plan_id for plan, plan_id in self._plans.items() if plan_id}

    async def read_price(self, price: str) -> PeriodPrice:
        """Read a plan by its id."""
        async with within(PROVIDER, CALL_SECONDS):
            try:
                return await subscriptions.read_price(self._client, price)
            except MalformedBody as error:
                raise ProviderUnreachable(_UNREADABLE) from error

    async def change_plan(self, subscription_id: str, plan: str, price: str, key: str) -> None:
        """Change to another plan now; the same one again changes nothing."""
        self._check_ref(subscription_id)
        async with within(PROVIDER, OPEN_SECONDS):
            await subscriptions.change_plan(self._client, subscription_id, price)

    async def aclose(self) -> None:
        """Close the connections."""
        await self._client.aclose()

    async def _fetch(self, ref: str) -> VerifiedEvent:
        try:
            envelope = await read_again(self._client, ref, self._clock.now())
            return translate_fetched(envelope, self.live)
        except MalformedBody as error:
            raise ProviderUnreachable(_UNREADABLE) from error

    def _check_ref(self, ref: str) -> None:
        """An id goes into a path, so it must be one; nothing works without a key."""
        self._need_key()
        if not _REF.fullmatch(ref):
            raise ProviderFailed(f"{ref!r} is not an order, payment link or payment of Razorpay.")

    def _need_key(self) -> None:
        if not self._has_key:
            raise ProviderFailed(_NO_KEY)


def _if_paid(event: VerifiedEvent) -> VerifiedEvent | None:
    return event if any(isinstance(fact, _PAID_OR_UNDER_WAY) for fact in event.facts) else None
