"""What goes over the wire about merchants."""

import re
from datetime import datetime
from functools import cache
from typing import Annotated, ClassVar
from urllib.parse import urlsplit
from zoneinfo import available_timezones

from msgspec import Struct
from pydantic import AfterValidator, BeforeValidator, Field
from pydantic_core import PydanticCustomError

from service.core.variables import is_web_address
from service.core.views import view_of
from service.core.visible import has_hidden
from service.merchants.documents import FIRST_LANGUAGE, FIRST_ZONE, LanguageCode, Merchant
from service.storage.database import Row
from service.web.fields import CurrencyCode, Email, LongText, ShortText
from service.web.wire import WireModel

MOST_ORIGINS = 20
MOST_RULES = 50
MOST_RECIPIENTS = 10
_LONGEST_ADDRESS = 500
# Listed by some systems; what they mean depends on the machine, or they mean nothing.
_NO_ZONES = frozenset({"Factory", "localtime", "posixrules"})
_ON_THIS_MACHINE = frozenset({"localhost", "127.0.0.1", "::1"})
# What is no name is no wildcard either: origins are compared, never matched.
_NAME = r"[a-z0-9](?:[a-z0-9_-]{0,61}[a-z0-9])?"
_HOST = re.compile(rf"{_NAME}(?:\.{_NAME})*(?::\d+)?|\[[0-9a-f:.]+\](?::\d+)?")


def _wrong(message: str) -> PydanticCustomError:
    return PydanticCustomError("tillgate", "{message}", {"message": message})


@cache
def _zones() -> frozenset[str]:
    """Return all zones of the system and of the package tzdata; reading them is slow."""
    return frozenset(available_timezones()) - _NO_ZONES


def is_zone(name: str) -> bool:
    """Return whether a name is one of a time zone."""
    return name in _zones()


def _zone(value: object) -> str:
    if not isinstance(value, str) or not is_zone(value):
        raise _wrong("must be a time zone of the IANA database, e.g. Europe/Berlin or Asia/Kolkata")
    return value


def _plain_address(value: object) -> str:
    """Return an address that a browser reads the same way: no user info, nothing invisible."""
    fits = isinstance(value, str) and len(value) <= _LONGEST_ADDRESS and value.isascii()
    if not isinstance(value, str) or not fits or not is_web_address(value):
        raise _wrong(f"must be a web address in ASCII of at most {_LONGEST_ADDRESS} characters")
    if "@" in urlsplit(value).netloc or any(sign in value for sign in "\"'<>`"):
        raise _wrong("must have neither user info nor quotes nor angle brackets")
    return value


def _logo(value: object) -> str:
    address = _plain_address(value)
    if not address.startswith("https://"):
        raise _wrong("must begin with https://")
    return address


def _origin(value: object) -> str:
    """Return an origin in the form in which it is compared: lower case, no default port."""
    address = _plain_address(value).lower()
    parts = urlsplit(address)
    if address != f"{parts.scheme}://{parts.netloc}" or address.endswith(":"):
        raise _wrong("must be an origin without a path, e.g. https://shop.example")
    if not _HOST.fullmatch(parts.netloc):
        raise _wrong("must name one host: no *, nothing but letters, digits, dashes and dots")
    if parts.scheme != "https" and parts.hostname not in _ON_THIS_MACHINE:
        raise _wrong("must begin with https://; http:// is for this machine, in development")
    return address.removesuffix({"https": ":443", "http": ":80"}[parts.scheme])


def _seen(value: str) -> str:
    """Return a text of which people see everything: mails and pages show it as it is."""
    if not value.strip():
        raise _wrong("must not be blank")
    if has_hidden(value):
        raise _wrong("has characters that nobody sees, or that turn its direction")
    return value


def _distinct(values: list[str]) -> list[str]:
    return list(dict.fromkeys(values))


Zone = Annotated[str, Field(min_length=1, examples=["Asia/Kolkata"]), BeforeValidator(_zone)]
"""A time zone of the IANA database."""

Logo = Annotated[
    str,
    Field(min_length=9, max_length=_LONGEST_ADDRESS, examples=["https://shop.example/logo.png"]),
    BeforeValidator(_logo),
]
"""The https address of a picture."""

Origin = Annotated[
    str,
    Field(min_length=9, max_length=_LONGEST_ADDRESS, examples=["https://shop.example"]),
    BeforeValidator(_origin),
]
"""Scheme, host and port, and no path."""

Name = Annotated[ShortText, AfterValidator(_seen)]
"""What people read, in one line."""

Sender = Annotated[Email, AfterValidator(_seen)]
"""An email address that people see as it is."""

Origins = Annotated[list[Origin], Field(max_length=MOST_ORIGINS), AfterValidator(_distinct)]
"""Several, each once."""


Rules = Annotated[
    list[Annotated[str, Field(pattern=r"^[a-z_]{1,40}$", examples=["provider_silent"])]],
    Field(max_length=MOST_RULES),
    AfterValidator(_distinct),
]
"""Names of rules of alerts, each once."""

Recipients = Annotated[list[Sender], Field(max_length=MOST_RECIPIENTS), AfterValidator(_distinct)]
"""Several email addresses, each once."""


class MerchantFields(WireModel):
    """The fields of a merchant that can be set; those left out stay as they are."""

    name: Name = Field("", examples=["The Shop"])
    """What people read."""
    zone: Zone = FIRST_ZONE
    """Where its days begin."""
    default_currency: CurrencyCode | None = Field(None, examples=["INR"])
    """Of sessions and quotes that name none; null: DEFAULT_CURRENCY."""
    mail_sender: Sender | None = Field(None, examples=["billing@shop.example"])
    """The sender of its mails; null: the service's own."""
    mail_recipients: Recipients = Field(default_factory=list)
    """Who gets what concerns the merchant itself: refunds, disputes, alerts, the week's summary."""
    lead_digest: bool = False
    """Whether they are mailed which leads there were: once an hour at most."""
    language: LanguageCode = FIRST_LANGUAGE
    """Of its mails."""
    logo: Logo | None = None
    return_origins: Origins = Field(default_factory=list)
    """Where `successUrl` and `cancelUrl` of its sessions may lead, besides the service's own."""
    alerts_off: Rules = Field(default_factory=list)
    """Rules of which no alert is opened for it (docs/alerts.md)."""

    def given(self) -> Row:
        """Return what was sent, by its stored names."""
        return self.model_dump(by_alias=True, exclude_unset=True)


class PutMerchant(MerchantFields):
    """Sets a merchant as a whole: fields that are left out are reset."""

    example: ClassVar = {"name": "The Shop", "zone": "Asia/Kolkata", "defaultCurrency": "INR"}

    name: Name = Field(examples=["The Shop"])
    """What people read."""
    zone: Zone
    """Where its days begin."""

    def whole(self) -> Row:
        """Return all of it, by its stored names."""
        return self.model_dump(by_alias=True)


def new_merchant(merchant_id: str, put: MerchantFields, now: datetime) -> Merchant:
    """Return a new merchant; without a name it is named after its id."""
    fields = put.model_dump(by_alias=False) | {"name": put.name or merchant_id}
    return Merchant(id=merchant_id, created_at=now, updated_at=now, **fields)


class SuspendMerchant(WireModel):
    """Suspends a merchant."""

    example: ClassVar = {"reason": "Under investigation, ticket 4711."}

    reason: LongText = Field(examples=["Under investigation, ticket 4711."])
    """Stands in the trail, and is shown to operators."""


class ResumeMerchant(WireModel):
    """Ends the suspension of a merchant."""

    example: ClassVar = {"reason": "Ticket 4711 is closed."}

    reason: LongText | None = None
    """Stands in the trail."""


class SuspensionView(Struct, frozen=True, rename="camel"):
    """Since when a merchant is suspended, by whom, and why."""

    at: datetime
    by: str
    reason: str


class MerchantView(Struct, frozen=True, rename="camel"):
    """A merchant."""

    id: str
    name: str
    zone: str
    default_currency: str | None
    mail_sender: str | None
    mail_recipients: list[str]
    lead_digest: bool
    language: LanguageCode
    logo: str | None
    return_origins: list[str]
    alerts_off: list[str]
    suspended: SuspensionView | None
    created_at: datetime
    updated_at: datetime


class MerchantAnswer(Struct, frozen=True, rename="camel"):
    """One merchant."""

    merchant: MerchantView


class MerchantsAnswer(Struct, frozen=True, rename="camel"):
    """A page of the merchants, newest first."""

    merchants: list[MerchantView]
    next_cursor: str | None


def merchant_view(merchant: Merchant) -> MerchantView:
    """Show a merchant."""
    return view_of(MerchantView, merchant)
