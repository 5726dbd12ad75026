"""What callers send about sessions."""

from collections.abc import Mapping
from typing import Annotated, Any, ClassVar

import msgspec
from pydantic import Field

from service.core.errors import FieldProblem, InvalidInput
from service.core.ids import digest
from service.providers.base import CheckoutMode
from service.providers.registry import ProviderName
from service.sessions.checkouts.verify import Callback
from service.sessions.operations.changing.change_session import Change
from service.sessions.operations.opening.new_session import NewSession
from service.sessions.states import Status
from service.web.fields import (
    CurrencyCode,
    Email,
    LongText,
    Metadata,
    Quantity,
    SessionId,
    ShortText,
    StrictAmount,
    Text,
    UtcMoment,
    Version,
)
from service.web.wire import WireModel, decode_wire_model

QuoteId = Annotated[
    str,
    Field(
        max_length=4000, pattern=r"^qt_[A-Za-z0-9_-]+\.[A-Za-z0-9_-]+$", examples=["qt_WyJk.Zm9v"]
    ),
]
Price = Annotated[str, Field(pattern=r"^[0-9]{1,16}(\.[0-9]{1,4})?$", examples=["29.99"])]


# In JSON Schema's words, beside the fields and in no class of its own: generators see one class.
_NAMES_A_PROVIDER = {"required": ["provider"], "properties": {"provider": {"type": "string"}}}
_PROVIDER_REQUIRED = {
    "if": {"not": _NAMES_A_PROVIDER},
    "then": {
        "required": ["paymentMethod"],
        "properties": {"paymentMethod": {"type": "string"}},
    },
}


class SessionRequest(WireModel):
    """What both kinds of session are opened with."""

    rules: ClassVar = _PROVIDER_REQUIRED

    session_id: SessionId | None = None
    """Made when none is given."""
    user_id: Text | None = Field(None, examples=["user_123"])
    """Required from a key; a user's is the token's."""
    email: Email | None = None
    amount: StrictAmount | None = Field(None, examples=[1000])
    """The total in minor units. From a browser it must equal the catalog's, or be left out."""
    currency: CurrencyCode | None = Field(None, examples=["INR"])
    quantity: Quantity = 1
    provider: ProviderName | None = Field(None, examples=["stripe"])
    """Required, by this name or the older one."""
    payment_method: ProviderName | None = None
    """The older name of `provider`."""
    coupon_code: ShortText | None = None
    pass_id: ShortText | None = None
    plan: ShortText | None = None
    intent_id: SessionId | None = None
    """The lead that the session follows."""
    quote_id: QuoteId | None = None
    """Opens at the price that was quoted, for what was quoted."""
    mode: CheckoutMode = "payment"
    metadata: Metadata = Field(default_factory=dict)
    expires_at: UtcMoment | None = None
    """At most 24 hours from now."""
    success_url: LongText | None = None
    cancel_url: LongText | None = None
    provider_session_id: Text | None = None
    """The provider's own session or order, from a server that opened it itself."""

    @classmethod
    def also_missing(cls, sent: Mapping[str, object]) -> tuple[FieldProblem, ...]:
        """Return the user, whom only a token names otherwise, and the provider by either name."""
        user = FieldProblem("userId", "is missing; only a user's token needs none")
        provider = FieldProblem("provider", "is missing")
        unnamed = sent.get("provider") is None and sent.get("paymentMethod") is None
        return (user,) * (sent.get("userId") is None) + (provider,) * unnamed

    def common(self, token_user: str | None) -> dict[str, Any]:
        """Return the fields of both kinds as the operation takes them. Raises `InvalidInput`."""
        user_id = self.user_id or token_user
        if user_id is None:
            missing = self.also_missing(self.model_dump(by_alias=True))
            raise InvalidInput("The request names no user.", problems=missing)
        asked = self.model_dump(
            by_alias=False, exclude={"payment_method"}, exclude_defaults=True
        ) | {"provider": self._named_provider()}
        return asked | {"user_id": user_id, "request_hash": _hash_of(asked)}

    def _named_provider(self) -> ProviderName:
        name = self.provider or self.payment_method
        message = None
        if name is None:
            message = "is missing"
        elif self.payment_method not in {None, name}:
            message = "and paymentMethod name two different providers"
        if name is None or message:
            problem = FieldProblem("provider", message or "")
            raise InvalidInput(f"provider {message}.", problems=(problem,))
        return name


_PRICE = frozenset({"amount", "price", "quote_id"})


def _hash_of(asked: dict[str, Any]) -> str:
    """Hash the request, so that another one with the same id is recognised.

    If it names a price, also hash it without the price: a page that quotes again asks for the same
    thing.
    """
    whole = digest(msgspec.json.encode(asked, order="sorted"))
    if _PRICE.isdisjoint(asked):
        return whole
    thing = {name: value for name, value in asked.items() if name not in _PRICE}
    return f"{whole}.{digest(msgspec.json.encode(thing, order='sorted'))}"


class CreatePaymentSession(SessionRequest):
    """Opens a payment session for an event."""

    example: ClassVar = {
        "sessionId": "docs-1",
        "userId": "user_123",
        "eventId": "event_456",
        "amount": 1000,
        "currency": "USD",
        "provider": "stripe",
    }

    event_id: ShortText = Field(examples=["event_456"])
    selected_date: ShortText | None = None
    waiting_list_id: ShortText | None = None

    def to_new(self, token_user: str | None) -> NewSession:
        """Return the request as the operation takes it. Raises `InvalidInput`."""
        return NewSession(kind="payment", **self.common(token_user))


class CreateCheckoutSession(SessionRequest):
    """Opens a checkout session for a plan, or finds the one that is open."""

    example: ClassVar = {
        "userId": "user_123",
        "email": "ada@example.com",
        "plan": "premium",
        "amount": 2999,
        "currency": "USD",
        "provider": "stripe",
    }

    email: Email = Field(examples=["ada@example.com"])
    plan: ShortText = Field(examples=["premium"])
    price: Price | None = None
    """The total as a decimal string in major units, instead of `amount`."""

    def to_new(self, token_user: str | None) -> NewSession:
        """Return the request as the operation takes it. Raises `InvalidInput`."""
        if self.amount is not None and self.price is not None:
            problem = FieldProblem("price", "is another name of amount; send one of them")
            raise InvalidInput("The request has two prices.", problems=(problem,))
        return NewSession(kind="checkout", **self.common(token_user))


class CreateCheckout(WireModel):
    """Opens a session and its checkout; with `sessionId` alone the checkout of that session.

    The fields are those of the two kinds of session: with `eventId` it is a payment session.
    """

    example: ClassVar = {
        "userId": "user_123",
        "email": "ada@example.com",
        "eventId": "event_456",
        "amount": 1000,
        "currency": "USD",
        "provider": "stripe",
    }

    rules: ClassVar = {
        "if": {"required": ["sessionId"], "maxProperties": 1},
        "else": _PROVIDER_REQUIRED,
    }

    session_id: SessionId | None = None
    user_id: Text | None = Field(None, examples=["user_123"])
    email: Email | None = Field(None, examples=["ada@example.com"])
    plan: ShortText | None = Field(None, examples=["premium"])
    price: Price | None = None
    event_id: ShortText | None = None
    selected_date: ShortText | None = None
    waiting_list_id: ShortText | None = None
    amount: StrictAmount | None = None
    currency: CurrencyCode | None = None
    quantity: Quantity | None = None
    provider: ProviderName | None = Field(None, examples=["stripe"])
    payment_method: ProviderName | None = None
    coupon_code: ShortText | None = None
    pass_id: ShortText | None = None
    intent_id: SessionId | None = None
    quote_id: QuoteId | None = None
    mode: CheckoutMode | None = None
    metadata: Metadata | None = None
    expires_at: UtcMoment | None = None
    success_url: LongText | None = None
    cancel_url: LongText | None = None

    def resumed(self) -> str | None:
        """Return the session's id if nothing else was sent."""
        return self.session_id if self.model_fields_set == {"session_id"} else None

    def to_new(self, token_user: str | None) -> NewSession:
        """Return the request as the operation takes it. Raises `InvalidInput`."""
        sent = self.model_dump(mode="json", by_alias=True, exclude_none=True)
        if self.event_id is not None:
            return decode_wire_model(CreatePaymentSession, sent).to_new(token_user)
        return decode_wire_model(CreateCheckoutSession, sent).to_new(token_user)


class ChangeSession(WireModel):
    """Changes a session; what is left out stays as it is."""

    example: ClassVar = {"sessionId": "docs-1", "metadata": {"seat": "B12"}}

    session_id: SessionId
    status: Status | None = Field(None, strict=False)
    metadata: Metadata | None = None
    """Merged into what is there by RFC 7396: null removes a key."""
    version: Version | None = None
    """The version that the caller has seen; another one is a 409."""
    reason: LongText | None = None
    provider_payment_id: Text | None = None

    def to_change(self) -> Change:
        """Return the request as the operation takes it."""
        return Change(**dict(self))


class VerifyCheckout(WireModel):
    """Asks the provider how a session stands.

    `sessionId` is ours or the provider's. The three Razorpay fields are what its checkout hands to
    the page; their signature is checked before the provider is asked.
    """

    example: ClassVar = {"sessionId": "docs-1"}

    session_id: Text
    razorpay_payment_id: Text | None = Field(None, alias="razorpay_payment_id")
    razorpay_order_id: Text | None = Field(None, alias="razorpay_order_id")
    razorpay_signature: Text | None = Field(None, alias="razorpay_signature")

    def to_callback(self) -> Callback | None:
        """Return what the checkout passed to the page, if it was sent."""
        if self.razorpay_payment_id is None or self.razorpay_signature is None:
            return None
        return Callback(self.razorpay_payment_id, self.razorpay_signature)
