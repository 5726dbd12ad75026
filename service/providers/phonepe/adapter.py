"""PhonePe as a provider of Tillgate."""

from collections.abc import Mapping
from datetime import datetime

from service.core.clock import Clock, from_unix
from service.core.errors import (
    MalformedBody,
    ProviderFailed,
    ProviderUnreachable,
    SignatureRejected,
)
from service.core.strict_json import JsonObject, parse
from service.providers.base import (
    OWN_ACCOUNT,
    CheckoutRequest,
    ClosedCheckout,
    OpenedCheckout,
    ProviderName,
    VerifiedEvent,
)
from service.providers.calling import CALL_SECONDS, OPEN_SECONDS, within
from service.providers.facts import (
    CheckoutExpired,
    CheckoutFailed,
    PaymentProcessing,
    PaymentSucceeded,
)
from service.providers.phonepe.client import PROVIDER, PhonePeClient, mode_of
from service.providers.phonepe.orders import CURRENCY, is_order_id
from service.providers.phonepe.translate import (
    Origin,
    translate_fetched,
    translate_message,
    unreadable_callback,
)
from service.providers.phonepe.verify import Secrets, read_message, verify_webhook
from service.providers.reading import text, whole
from service.settings import PhonePeSettings

# https://developer.phonepe.com (create-payment): paise, and seconds of an order's life.
_SMALLEST_AMOUNT = 100
_SHORTEST_LIFE, _LONGEST_LIFE = 300, 3600


class PhonePeProvider:
    """Orders of checkout v2, webhooks of v2 and callbacks of v1, and re-reads."""

    name: ProviderName = "phonepe"
    account = OWN_ACCOUNT

    def __init__(self, settings: PhonePeSettings, clock: Clock) -> None:
        """Keep the settings; only the schemes whose secret is set are accepted."""
        login = None
        if settings.webhook_username and settings.webhook_password:
            login = f"{settings.webhook_username}:{settings.webhook_password}"
        salts = {settings.salt_index: settings.salt_key} if settings.salt_key else {}
        self.live = mode_of(settings.api_base)
        self.receives_webhooks = bool(login or salts)
        self._secrets = Secrets(salts, login)
        self._merchant_id = settings.merchant_id
        self._has_v2 = bool(settings.client_id and settings.client_secret)
        self._client = PhonePeClient(settings, clock)
        self._clock = clock

    def verify(self, headers: Mapping[str, str], body: bytes, now: datetime) -> VerifiedEvent:
        """Check and translate a webhook or a callback. Raises `SignatureRejected`."""
        message = verify_webhook(headers, body, self._secrets)
        origin = self._origin(body, now)
        try:
            return translate_message(message, origin)
        except MalformedBody as error:
            if message.version == "v1":  # its signature covers what it says: it is PhonePe's
                return unreadable_callback(origin, error.message)
            raise SignatureRejected("malformed", error.message) from error

    def translate_stored(self, event_id: str, payload: bytes) -> VerifiedEvent:
        """Translate a message or a re-read that was stored. Raises `MalformedBody`."""
        if event_id.startswith("fetch:"):
            envelope = parse(payload)
            return translate_fetched(envelope if isinstance(envelope, dict) else {}, self.live)
        return translate_message(read_message(payload), self._origin(payload, self._clock.now()))

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
        """Re-read an order by the id that we gave it; by v1 where only a salt is set."""
        if not is_order_id(ref):
            raise ProviderFailed(f"{ref!r} is not an order of PhonePe.")
        envelope: JsonObject = {"fetched": ref, "fetchedAt": int(self._clock.now().timestamp())}
        async with within(PROVIDER, CALL_SECONDS):
            if self._has_v2:
                envelope["order"] = await self._client.order_status(ref)
            else:
                envelope["status"] = await self._client.transaction_status(ref)
        try:
            return translate_fetched(envelope, self.live)
        except MalformedBody as error:
            raise ProviderUnreachable(f"{PROVIDER} gave an unreadable answer.") from error

    async def close_checkout(self, ref: str) -> ClosedCheckout:
        """Re-read the order: PhonePe can't close one, it runs out by itself."""
        event = await self.fetch(ref)
        ended = CheckoutFailed | CheckoutExpired | PaymentSucceeded
        live = PaymentSucceeded | PaymentProcessing
        return ClosedCheckout(
            closed=any(isinstance(fact, ended) for fact in event.facts),
            event=event if any(isinstance(fact, live) for fact in event.facts) else None,
        )

    async def capture(self, provider_payment_id: str, amount: int, currency: str) -> None:
        """Refuse: PhonePe takes money at once, nothing is ever held."""
        raise ProviderFailed(f"{PROVIDER} holds no money that could be captured.")

    async def aclose(self) -> None:
        """Close the connections."""
        await self._client.aclose()

    def _origin(self, payload: bytes, received_at: datetime) -> Origin:
        return Origin(payload, self.live, self._merchant_id, received_at)

    def _check(self, request: CheckoutRequest) -> None:
        if not self._has_v2:
            raise ProviderFailed("PHONEPE_CLIENT_ID and PHONEPE_CLIENT_SECRET are not set.")
        if request.mode == "subscription":
            raise ProviderFailed(f"{PROVIDER} subscriptions can't be opened; use one payment.")
        if request.currency != CURRENCY:
            raise ProviderFailed(f"{PROVIDER} takes {CURRENCY} only, not {request.currency}.")
        if request.amount < _SMALLEST_AMOUNT:
            raise ProviderFailed(f"{PROVIDER} takes {_SMALLEST_AMOUNT} paise at least.")
