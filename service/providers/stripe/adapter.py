"""Stripe as a provider: Checkout sessions opened, re-read and closed, webhooks verified."""

import re
from collections.abc import Mapping
from datetime import datetime

import stripe

from service.core.errors import MalformedBody, ProviderFailed
from service.core.strict_json import JsonObject, parse
from service.providers.base import (
    OWN_ACCOUNT,
    CheckoutRequest,
    ClosedCheckout,
    OpenedCheckout,
    PeriodPrice,
    VerifiedEvent,
)
from service.providers.calling import CALL_SECONDS, OPEN_SECONDS
from service.providers.facts import CheckoutExpired, CheckoutFailed, CheckoutOpen, Subject
from service.providers.reading import entries
from service.providers.refunding import RefundRequest, outcome_told
from service.providers.signing import is_secret
from service.providers.stripe import refunding, subscriptions
from service.providers.stripe.calls import StripeClients, answer_of, answering
from service.providers.stripe.payments import checkout_subject
from service.providers.stripe.requests import checkout_params, read_opened
from service.providers.stripe.settings import StripeSettings
from service.providers.stripe.traits import TRAITS
from service.providers.stripe.translate import (
    FETCHED,
    translate_event,
    translate_fetched,
    unreadable,
)
from service.providers.stripe.verify import check_signature, read_event

_REF = re.compile(r"(cs|pi|sub)_[A-Za-z0-9_]{1,250}")


class StripeProvider:
    """Stripe (https://docs.stripe.com/payments/checkout). `aclose` it before its loop ends."""

    name = TRAITS.name
    account = OWN_ACCOUNT

    def __init__(self, settings: StripeSettings) -> None:
        """Take the keys; connect nowhere yet."""
        key = settings.secret_key if is_secret(settings.secret_key) else None
        self._secrets = tuple(filter(is_secret, settings.webhook_secrets))
        self._prices = {"basic": settings.price_basic, "premium": settings.price_premium}
        self._clients = StripeClients(key, settings.api_base) if key else None
        self.live = settings.live

    @property
    def receives_webhooks(self) -> bool:
        """Return whether STRIPE_WEBHOOK_SECRET is set."""
        return bool(self._secrets)

    def verify(self, headers: Mapping[str, str], body: bytes, now: datetime) -> VerifiedEvent:
        """Check the signature of an event and translate it. Raises `SignatureRejected`."""
        check_signature(headers, body, self._secrets, now)
        event: JsonObject = {}
        try:
            event = read_event(body)
            return translate_event(event, body)
        except MalformedBody as error:
            return unreadable(event, body, now, error.message)

    def translate_stored(self, event_id: str, payload: bytes) -> VerifiedEvent:
        """Translate an event, or an object that was fetched. Raises `MalformedBody`."""
        stored = parse(payload)
        if not isinstance(stored, dict):
            raise MalformedBody("The stored payload is not a JSON object.")
        if subscriptions.is_reading(event_id):
            return subscriptions.translate_reading(stored, event_id, self._prices)
        if event_id.startswith(FETCHED):
            return translate_fetched(stored, payload, self.live)
        return translate_event(stored, payload)

    async def open_checkout(self, request: CheckoutRequest) -> OpenedCheckout:
        """Open a Checkout session. Stripe keeps the idempotency key for 24 hours or more."""
        params = checkout_params(request, self._prices)
        client = self._client()
        async with answering(OPEN_SECONDS):
            session = await client.v1.checkout.sessions.create_async(
                params, {"idempotency_key": request.idempotency_key}
            )
            return read_opened(answer_of(session)[0])

    async def fetch(self, ref: str) -> VerifiedEvent:
        """Re-read a Checkout session (`cs_…`) or a payment intent (`pi_…`)."""
        client = self._client()
        async with answering(CALL_SECONDS):
            return await _fetch(client, _checked(ref))

    async def checkout_of(self, event: VerifiedEvent, *, matched: bool) -> Subject | None:
        """Ask for the Checkout session of an intent, which names none.

        Only where the intent names a session of ours: Stripe reports every intent of the account.
        """
        intents = [one for one in event.subject.object_ids if one.startswith("pi_")]
        if not matched or not intents or self._clients is None:
            return None
        async with answering(CALL_SECONDS):
            found = await self._client().v1.checkout.sessions.list_async(
                {"payment_intent": _checked(intents[0]), "limit": 1}
            )
            listed = entries(answer_of(found)[0], "data")
            return checkout_subject(listed[0]) if listed else Subject()

    async def close_checkout(self, ref: str) -> ClosedCheckout:
        """Expire a Checkout session; Stripe refuses one that is not open, so that is looked at.

        It counts as closed where nothing can be paid in it any more. One that was paid or has a
        payment under way stays, and is reported.
        """
        client = self._client()
        async with answering(CALL_SECONDS):
            try:
                await client.v1.checkout.sessions.expire_async(_checked(ref))
            except stripe.InvalidRequestError:
                event = await _fetch(client, ref)
                if any(isinstance(fact, CheckoutOpen) for fact in event.facts):
                    raise
            else:
                return ClosedCheckout(closed=True)
        ended = any(isinstance(fact, CheckoutExpired | CheckoutFailed) for fact in event.facts)
        return ClosedCheckout(closed=ended, event=None if ended else event)

    async def capture(self, provider_payment_id: str, amount: int, currency: str) -> None:
        """Capture a payment intent that is held; one that has succeeded already is left alone."""
        client = self._client()
        async with answering(CALL_SECONDS):
            try:
                await client.v1.payment_intents.capture_async(
                    _checked(provider_payment_id), {"amount_to_capture": amount}
                )
            except stripe.InvalidRequestError:
                intent = await client.v1.payment_intents.retrieve_async(provider_payment_id)
                if answer_of(intent)[0].get("status") != "succeeded":
                    raise

    async def refund(self, request: RefundRequest) -> VerifiedEvent:
        """Make a refund. Raises `RefundRefused`."""
        client = self._client()
        with outcome_told():
            async with answering(OPEN_SECONDS):
                return await refunding.make_refund(client, request, self.live)

    async def find_refund(
        self, request: RefundRequest, provider_refund_id: str | None = None
    ) -> VerifiedEvent | None:
        """Ask for a refund by Stripe's id, or by ours in the metadata."""
        client = self._client()
        async with answering(OPEN_SECONDS):
            return await refunding.look_for_refund(client, request, provider_refund_id, self.live)

    async def read_subscription(self, subscription_id: str, read: int) -> VerifiedEvent:
        """Read a subscription (`sub_…`)."""
        client = self._client()
        async with answering(CALL_SECONDS):
            return await subscriptions.read_subscription(
                client, _checked(subscription_id), read, self._prices
            )

    async def cancel_subscription(self, subscription_id: str, *, at_period_end: bool) -> None:
        """End a subscription now, or with its period."""
        client = self._client()
        async with answering(OPEN_SECONDS):
            await subscriptions.cancel(
                client, _checked(subscription_id), at_period_end=at_period_end
            )

    async def reactivate_subscription(self, subscription_id: str) -> None:
        """Let a subscription go on."""
        client = self._client()
        async with answering(OPEN_SECONDS):
            await subscriptions.reactivate(client, _checked(subscription_id))

    @property
    def takes_back_endings(self) -> bool:
        """Stripe takes an end back until it has come."""
        return True

    @property
    def plan_prices(self) -> Mapping[str, str]:
        """Return what STRIPE_PRICE_BASIC and STRIPE_PRICE_PREMIUM are set to."""
        return {plan: price for plan, price in self._prices.items() if price}

    async def read_price(self, price: str) -> PeriodPrice:
        """Read a price by its id."""
        client = self._client()
        async with answering(CALL_SECONDS):
            return await subscriptions.read_price(client, price)

    async def change_plan(self, subscription_id: str, plan: str, price: str, key: str) -> None:
        """Change to another plan's price; Stripe keeps the key for 24 hours or more."""
        client = self._client()
        async with answering(OPEN_SECONDS):
            await subscriptions.change_plan(client, _checked(subscription_id), plan, price, key)

    async def aclose(self) -> None:
        """Close the connections of the running event loop."""
        if self._clients is not None:
            await self._clients.aclose()

    def _client(self) -> stripe.StripeClient:
        if self._clients is None:
            raise ProviderFailed("Stripe is not set up: set STRIPE_SECRET_KEY.")
        return self._clients.current()


async def _fetch(client: stripe.StripeClient, ref: str) -> VerifiedEvent:
    if ref.startswith("pi_"):
        found: stripe.StripeObject = await client.v1.payment_intents.retrieve_async(ref)
    else:
        found = await client.v1.checkout.sessions.retrieve_async(
            ref, {"expand": ["payment_intent"]}
        )
    return translate_fetched(*answer_of(found))


def _checked(ref: str) -> str:
    """Refuse what is no reference of Stripe's before it becomes part of an address."""
    if not _REF.fullmatch(ref):
        raise ProviderFailed("Stripe knows no such reference: it begins with cs_, pi_ or sub_.")
    return ref
