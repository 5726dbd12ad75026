"""What goes over the wire about webhook endpoints."""

import re
from datetime import datetime
from typing import Annotated, ClassVar

from msgspec import Struct
from pydantic import BeforeValidator, Field
from pydantic_core import PydanticCustomError

from service.core.variables import is_web_address
from service.core.views import view_of
from service.core.visible import has_hidden
from service.notifications.endpoints.documents import WebhookDelivery, WebhookEndpoint
from service.notifications.endpoints.operations.addresses import LONGEST_URL
from service.notifications.endpoints.operations.changing import Wish
from service.notifications.endpoints.states import DeliveryStatus, DisabledBecause
from service.notifications.events.states import FAMILIES, is_filter
from service.web.card_data import holds_card_number
from service.web.fields import Text, UtcMoment
from service.web.wire import WireModel

MOST_FILTERS = 60
MOST_HEADERS = 10
_LONGEST_VALUE = 500
_NAME = re.compile(r"[A-Za-z][A-Za-z0-9-]{0,59}")
# What a request says of itself, and of whom it is: not for an endpoint to change.
_OURS = frozenset(
    {
        *("host", "connection", "content-length", "content-type", "content-encoding"),
        *("transfer-encoding", "te", "trailer", "upgrade", "expect", "keep-alive", "accept"),
        *("user-agent", "tillgate-version", "proxy-authorization", "proxy-connection"),
    }
)


def _wrong(message: str) -> PydanticCustomError:
    return PydanticCustomError("tillgate", "{message}", {"message": message})


def _address(value: object) -> object:
    if isinstance(value, str) and not is_web_address(value):
        raise _wrong("must be an http or https address such as https://shop.example/hooks")
    return value


def _filter(value: object) -> str:
    if not isinstance(value, str) or not is_filter(value):
        named = ", ".join(f"{family}.*" for family in sorted(FAMILIES))
        raise _wrong(f"must be *, one of {named}, or a type of event such as session.completed")
    return value


def _headers(value: object) -> dict[str, str]:
    if not isinstance(value, dict) or len(value) > MOST_HEADERS:
        raise _wrong(f"must be an object of at most {MOST_HEADERS} headers")
    for name, text in value.items():
        known = isinstance(name, str) and _NAME.fullmatch(name)
        if not known or name.lower() in _OURS or name.lower().startswith("webhook-"):
            raise _wrong("takes names of letters, digits and dashes, and none that we set")
        fits = isinstance(text, str) and 0 < len(text) <= _LONGEST_VALUE
        if not fits or not text.isascii() or not text.isprintable():
            raise _wrong(f"takes values of 1 to {_LONGEST_VALUE} visible ASCII characters")
    if len({name.lower() for name in value}) < len(value):
        raise _wrong("names a header twice")
    return value


def _described(value: object) -> object:
    if isinstance(value, str) and has_hidden(value):
        raise _wrong("has characters that nobody sees")
    if isinstance(value, str) and holds_card_number(value):
        raise _wrong("holds what looks like the number of a card: never send one here")
    return value


Filter = Annotated[
    str, Field(max_length=60, examples=["session.completed"]), BeforeValidator(_filter)
]
"""What is heard: `*`, a family, or a type."""

Filters = Annotated[list[Filter], Field(min_length=1, max_length=MOST_FILTERS)]
"""Several filters: whatever any of them lets through is heard."""

Headers = Annotated[dict[str, str], BeforeValidator(_headers)]
"""Headers of the endpoint's own, for instance an Authorization."""

Url = Annotated[
    str,
    Field(min_length=9, max_length=LONGEST_URL, examples=["https://shop.example/hooks"]),
    BeforeValidator(_address),
]
"""Where it is sent to."""

Description = Annotated[Text, BeforeValidator(_described)]
"""What people read."""


class _EndpointFields(WireModel):
    """What an endpoint may be told besides."""

    description: Description | None = None
    """What people read."""
    headers: Headers | None = None
    """Sent along with each event; their values are never shown again."""
    thin: bool | None = None
    """False: events carry the object that they are about, too. True by default."""
    ordered: bool | None = None
    """True: an event of a session waits until the one before it was taken or given up."""


class AddEndpoint(_EndpointFields):
    """Adds an endpoint."""

    example: ClassVar = {"url": "http://127.0.0.1:9000/hooks", "events": ["session.*"]}

    url: Url
    """Where it is sent to; https, and a public address."""
    events: Filters
    """What is heard: `["*"]`, `["session.*", "refund.failed"]`."""

    def wish(self) -> Wish:
        """Return what is wanted."""
        given = self.model_dump(by_alias=False)
        return Wish(**(given | {"events": tuple(self.events)}))


class ChangeEndpoint(_EndpointFields):
    """Changes what is named of an endpoint."""

    example: ClassVar = {"description": "The shop's own server"}

    url: Url | None = None
    """Where it is sent to from now on."""
    events: Filters | None = None
    """What is heard from now on."""
    enabled: bool | None = None
    """False: nothing is sent, and what waits is canceled. True: what is written from then on is."""

    def wish(self) -> Wish:
        """Return what is wanted."""
        events = None if self.events is None else tuple(self.events)
        return Wish(**(self.model_dump(by_alias=False) | {"events": events}))


class Resend(WireModel):
    """Sends one event again, or what was not taken since a time: one of the two is named."""

    example: ClassVar = {"since": "2026-11-22T12:00:00Z"}

    event_id: Annotated[str, Field(pattern=r"^evt_[0-9a-f]{24}$")] | None = None
    """An event that was sent to this endpoint or to another of the merchant's."""
    since: UtcMoment | None = Field(None, strict=False)
    """What was written from then on, and was given up, canceled, or never sent here."""
    cursor: Annotated[str, Field(max_length=200)] | None = None
    """Where the call before ended, with the same `since`: its `nextCursor`."""


class SecretView(Struct, frozen=True, rename="camel"):
    """A secret, without itself: since when it signs, and until when."""

    created_at: datetime
    expires_at: datetime | None


class DisabledView(Struct, frozen=True, rename="camel"):
    """Since when an endpoint is disabled, and why: `gone`, `failing` or `by_hand`."""

    at: datetime
    reason: DisabledBecause


class EndpointView(Struct, frozen=True, rename="camel", kw_only=True):
    """An endpoint; of its headers the names, of its secrets their times."""

    id: str
    merchant_id: str
    url: str
    description: str | None
    events: list[str]
    headers: list[str]
    secrets: list[SecretView]
    version: str
    thin: bool
    ordered: bool
    disabled: DisabledView | None
    failing_since: datetime | None
    active_from: datetime
    created_at: datetime
    updated_at: datetime


class EndpointAnswer(Struct, frozen=True, rename="camel"):
    """One endpoint."""

    endpoint: EndpointView


class ToldEndpoint(Struct, frozen=True, rename="camel"):
    """An endpoint with its newest secret, which is not shown again."""

    endpoint: EndpointView
    secret: str


class EndpointsAnswer(Struct, frozen=True, rename="camel"):
    """A page of endpoints, newest first."""

    endpoints: list[EndpointView]
    next_cursor: str | None


class TryView(Struct, frozen=True, rename="camel"):
    """One try: what was answered and how soon, or what went wrong."""

    at: datetime
    took_ms: int
    status: int | None
    answer: str | None
    error: str | None


class SentView(Struct, frozen=True, rename="camel", kw_only=True):
    """An event on its way to an endpoint, with its tries, the latest last."""

    id: str
    event_id: str
    type: str
    session_id: str
    status: DeliveryStatus
    tries: int
    attempts: list[TryView]
    next_attempt_at: datetime | None
    created_at: datetime
    done_at: datetime | None


class SentAnswer(Struct, frozen=True, rename="camel"):
    """One delivery."""

    delivery: SentView


class SentListAnswer(Struct, frozen=True, rename="camel"):
    """A page of deliveries, newest first."""

    deliveries: list[SentView]
    next_cursor: str | None


class ResentAnswer(Struct, frozen=True, rename="camel"):
    """How many events are sent now; where `nextCursor` is not null there are more."""

    count: int
    next_cursor: str | None
    delivery: SentView | None = None


def endpoint_view(endpoint: WebhookEndpoint) -> EndpointView:
    """Show an endpoint."""
    return view_of(EndpointView, endpoint, headers=endpoint.header_names)


def sent_view(delivery: WebhookDelivery) -> SentView:
    """Show a delivery; one that is done is not tried again."""
    waits = delivery.status is DeliveryStatus.PENDING
    due = delivery.next_attempt_at if waits else None
    return view_of(SentView, delivery, next_attempt_at=due)
