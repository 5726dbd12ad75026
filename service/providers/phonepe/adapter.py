"""PhonePe as a provider of Tillgate."""

from collections.abc import Mapping
from datetime import datetime

from service.core.clock import Clock, from_unix
from service.core.errors import (
    MalformedBody,
    ProviderFailed,
    ProviderUnreachable,
)
from service.core.strict_json import JsonObject, parse
from service.providers.base import (
    OWN_ACCOUNT,
    CheckoutRequest,
    ClosedCheckout,
    OpenedCheckout,
    VerifiedEvent,
)
from service.providers.calling import CALL_SECONDS, OPEN_SECONDS, Refused, within
from service.providers.facts import (
    CheckoutExpired,
    CheckoutFailed,
    PaymentProcessing,
    PaymentSucceeded,
)
from service.providers.phonepe.client import PROVIDER, PhonePeClient
from service.providers.phonepe.orders import CURRENCY, is_order_id
from service.providers.phonepe.refunding import look_for_refund, make_refund
from service.providers.phonepe.settings import PhonePeSettings
from service.providers.phonepe.traits import TRAITS
from service.providers.phonepe.translate import (
    NOT_FOUND,
    REFUND_EVENTS,
    Origin,
    translate_fetched,
    translate_message,
    unreadable,
)
from service.providers.phonepe.verify import (
    Message,
    Secrets,
    callback_of,
    login_of,
    verify_webhook,
)
from service.providers.reading import text, whole
from service.providers.refunding import RefundRequest, outcome_told
from service.providers.signing import is_secret

# https://developer.phonepe.com (create-payment): paise, and seconds of an order's life.
_SMALLEST_AMOUNT = 100
_SHORTEST_LIFE, _LONGEST_LIFE = 300, 3600

# Refusals of the caller; every other one is about the id, whichever status PhonePe gives it.
_NO_WORD_ABOUT_THE_ORDER = frozenset({401, 403, 429})

_NO_CLIENT = "PHONEPE_CLIENT_ID and PHONEPE_CLIENT_SECRET are not set."


class PhonePeProvider:
    """Orders of checkout v2, webhooks of v2 and callbacks of v1, and re-reads."""

    name = TRAITS.name
    account = OWN_ACCOUNT

    def __init__(self, settings: PhonePeSettings, clock: Clock) -> None:
        """Keep the settings; only the schemes whose secret is set are accepted."""
        login = login_of(settings.webhook_username, settings.webhook_password)
        salt = settings.salt_key
        salts = {settings.salt_index: salt} if salt is not None and is_secret(salt) else {}
        self.live = settings.live
        self.receives_webhooks = bool(login or salts)
        self._secrets = Secrets(salts, login)
        self._merchant_id = settings.merchant_id
        self._has_v1 = bool(settings.merchant_id and salts)
        self._has_v2 = bool(settings.client_id and is_secret(settings.client_secret))
        self._client = PhonePeClient(settings, clock)
        self._clock = clock

    def verify(self, headers: Mapping[str, str], body: bytes, now: datetime) -> VerifiedEvent:
        """Check and translate a webhook or a callback. Raises `SignatureRejected`."""
        message = verify_webhook(headers, body, self._secrets)
        origin = self._origin(body, now)
        try:
            return translate_message(message, origin)
        except MalformedBody as error:
            return unreadable(message, origin, error.message)

    def translate_stored(self, event_id: str, payload: bytes) -> VerifiedEvent:
        """Translate a message or a re-read that was stored. Raises `MalformedBody`."""
        if event_id.startswith("fetch:"):
            envelope = parse(payload)
            return translate_fetched(envelope if isinstance(envelope, dict) else {}, self.live)
        # By the id, which was made when it was verified: a hint may hold a field `response` too.
        is_callback = event_id.startswith("callback:")
        message = callback_of(payload) if is_callback else Message("v2", payload)
        return translate_message(message, self._origin(payload, self._clock.now()))

    async def open_checkout(self, request: CheckoutRequest) -> OpenedCheckout:
        """Open an order of checkout v2; the id of the attempt is its id.

        PhonePe refuses an id that it has seen, and no call gives the page's address again: a
        repetition that is refused takes the next attempt's id.
        """
        self._check(request)
        left = int((request.expires_at - self._clock.now()).total_seconds())
        body: JsonObject = {
            "merchantOrderId": request.attempt_id,
            "amount": request.amount,
            "expireAfter": min(max(left, _SHORTEST_LIFE), _LONGEST_LIFE),
            "metaInfo": {"udf1": request.session_id, "udf2": request.merchant_id},
            "paymentFlow": {
                "type": "PG_CHECKOUT",
                "merchantUrls": {"redirectUrl": request.success_url},
            },
        }
        async with within(PROVIDER, OPEN_SECONDS):
            answer = await self._client.pay(body)
        url, ends = text(answer, "redirectUrl"), whole(answer, "expireAt")
        if url is None:
            raise ProviderUnreachable(f"{PROVIDER} opened an order without a page.")
        expires_at = from_unix(ends / 1000) if ends else None
        return OpenedCheckout(request.attempt_id, url, None, None, expires_at)

    async def fetch(self, ref: str) -> VerifiedEvent:
        """Re-read an order by the id that we gave it: by v2, and by v1 what v2 does not know."""
        envelope = self._asked(ref)
        async with within(PROVIDER, CALL_SECONDS):
            if self._has_v2:
                envelope |= await self._status(ref)
            else:
                envelope["status"] = await self._client.transaction_status(ref)
        return self._found(envelope)

    async def ask_about(self, hint: VerifiedEvent) -> VerifiedEvent:
        """Re-read the order or the refund that a webhook of v2 names."""
        ref = hint.needs_confirmation or ""
        if hint.type not in REFUND_EVENTS:
            return await self.fetch(ref)
        self._need_v2()
        envelope = self._asked(ref)
        async with within(PROVIDER, CALL_SECONDS):
            envelope["refund"] = await self._client.refund_status(ref)
        return self._found(envelope)

    async def close_checkout(self, ref: str) -> ClosedCheckout:
        """Re-read the order: PhonePe can't close one, it runs out by itself."""
        event = await self.fetch(ref)
        ended = CheckoutFailed | CheckoutExpired | PaymentSucceeded
        live = PaymentSucceeded | PaymentProcessing
        return ClosedCheckout(
            closed=any(isinstance(fact, ended) for fact in event.facts),
            event=event if any(isinstance(fact, live) for fact in event.facts) else None,
        )

    async def refund(self, request: RefundRequest) -> VerifiedEvent:
        """Ask for a refund (v2). Raises `RefundRefused`."""
        self._need_v2()
        with outcome_told():
            async with within(PROVIDER, OPEN_SECONDS):
                return await make_refund(self._client, request, self._clock.now(), self.live)

    async def find_refund(
        self, request: RefundRequest, provider_refund_id: str | None = None
    ) -> VerifiedEvent | None:
        """Ask for a refund by our id, the only one by which PhonePe can be asked (v2)."""
        self._need_v2()
        async with within(PROVIDER, OPEN_SECONDS):
            return await look_for_refund(self._client, request, self._clock.now(), self.live)

    async def aclose(self) -> None:
        """Close the connections."""
        await self._client.aclose()

    async def _status(self, ref: str) -> JsonObject:
        """Read an order of v2, or the transaction of v1 that was made under the id."""
        try:
            return {"order": await self._client.order_status(ref)}
        except Refused as refusal:
            if not self._has_v1 or refusal.status in _NO_WORD_ABOUT_THE_ORDER:
                raise
            answer = await self._client.transaction_status(ref)
            if text(answer, "code") == NOT_FOUND:
                raise
            return {"status": answer}

    def _asked(self, ref: str) -> JsonObject:
        if not is_order_id(ref):
            raise ProviderFailed(f"{ref!r} is not an order of PhonePe.")
        return {"fetched": ref, "fetchedAt": int(self._clock.now().timestamp())}

    def _found(self, envelope: JsonObject) -> VerifiedEvent:
        try:
            return translate_fetched(envelope, self.live)
        except MalformedBody as error:
            raise ProviderUnreachable(f"{PROVIDER} gave an unreadable answer.") from error

    def _origin(self, payload: bytes, received_at: datetime) -> Origin:
        return Origin(payload, self.live, self._merchant_id, received_at)

    def _need_v2(self) -> None:
        if not self._has_v2:
            raise ProviderFailed(_NO_CLIENT)

    def _check(self, request: CheckoutRequest) -> None:
        self._need_v2()
        if request.mode == "subscription":
            raise ProviderFailed(f"{PROVIDER} subscriptions can't be opened; use one payment.")
        if request.currency != CURRENCY:
            raise ProviderFailed(f"{PROVIDER} takes {CURRENCY} only, not {request.currency}.")
        if request.amount < _SMALLEST_AMOUNT:
            raise ProviderFailed(f"{PROVIDER} takes {_SMALLEST_AMOUNT} paise at least.")
