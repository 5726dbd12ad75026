"""What a caller sends to open a session."""

from datetime import datetime

from msgspec import Struct, field

from service.core.strict_json import JsonObject
from service.providers.base import CheckoutMode
from service.providers.registry import ProviderName
from service.sessions.documents import Kind, Session


class NewSession(Struct, frozen=True, kw_only=True):
    """What a caller sent to open a session. `request_hash` distinguishes two requests.

    If a price is named, it has two parts: the hash of all, a dot, the hash without the price.
    """

    kind: Kind
    user_id: str
    provider: ProviderName
    request_hash: str
    session_id: str | None = None
    email: str | None = None
    event_id: str | None = None
    quantity: int = 1
    pass_id: str | None = None
    selected_date: str | None = None
    coupon_code: str | None = None
    waiting_list_id: str | None = None
    plan: str | None = None
    amount: int | None = None
    price: str | None = None
    currency: str | None = None
    mode: CheckoutMode = "payment"
    metadata: JsonObject = field(default_factory=dict)
    expires_at: datetime | None = None
    success_url: str | None = None
    cancel_url: str | None = None
    provider_session_id: str | None = None
    quote_id: str | None = None
    intent_id: str | None = None

    @property
    def names_amount(self) -> bool:
        """Return whether the caller named the amount to pay."""
        return self.amount is not None or self.price is not None

    def is_request_of(self, session: Session) -> bool:
        """Return whether this same request created a session."""
        return _whole(self.request_hash) == _whole(session.create_hash)

    def asks_for(self, session: Session) -> bool:
        """Return whether a session sells the same thing, at whatever price it was requested."""
        return _thing(self.request_hash) == _thing(session.create_hash)


def _whole(request_hash: str) -> str:
    return request_hash.partition(".")[0]


def _thing(request_hash: str) -> str:
    return request_hash.rpartition(".")[2]
