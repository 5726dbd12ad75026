"""What the sandbox's pages and API return, and what they accept."""

from collections import Counter
from datetime import datetime
from typing import Annotated
from urllib.parse import urlsplit

from msgspec import Struct
from pydantic import Field

from service.core.views import view_of
from service.providers.money import to_major
from service.providers.registry import ProviderName
from service.web.fields import ShortText
from service.web.wire import WireModel
from tillgate_sandbox.aftermath import possible_in
from tillgate_sandbox.chaos import Chaos, Fault
from tillgate_sandbox.documents import SandboxCheckout, SandboxDelivery
from tillgate_sandbox.pages.words import STANDINGS, in_words
from tillgate_sandbox.states import CheckoutStatus, Happening

MOST_COPIES = 100
LONGEST_DELAY_MS = 60_000


class HappenedView(Struct, frozen=True, rename="camel"):
    """One thing that happened, also in words."""

    at: datetime
    what: Happening
    method: str | None
    decline_code: str | None
    text: str


class CheckoutView(Struct, frozen=True, rename="camel", kw_only=True):
    """A checkout at a played provider. `price` is the amount in major units.

    `version` counts the changes. `tone` colours `statusName`. `can` is what may happen to it now.
    `deliveries` counts its webhooks by status, `untried` those of which no try was made yet.
    `successUrl` has the checkout's id filled in; `handedOver` is what the provider adds to its
    query. `chaos` holds for it: its own, or the standing rule.
    """

    id: str
    page_id: str
    session_id: str
    provider: ProviderName
    kind: str
    amount: int
    currency: str
    price: str
    status: CheckoutStatus
    version: int
    status_name: str
    tone: str
    can: list[Happening]
    happened: list[HappenedView]
    deliveries: dict[str, int]
    untried: int
    success_url: str | None
    cancel_url: str | None
    expires_at: datetime | None
    created_at: datetime
    handed_over: dict[str, str]
    chaos: Chaos
    has_own_chaos: bool


class CheckoutsAnswer(Struct, frozen=True, rename="camel"):
    """The checkouts that were opened last, newest first."""

    checkouts: list[CheckoutView]


class HappenRequest(WireModel):
    """What happens to a checkout; both fields may be left out."""

    method: ShortText | None = Field(None, examples=["card"])
    decline_code: ShortText | None = Field(None, examples=["insufficient_funds"])


class ChaosRequest(WireModel):
    """Which faults befall deliveries."""

    faults: list[Fault] = Field(max_length=20)
    copies: Annotated[int, Field(ge=1, le=MOST_COPIES)] = 5
    """How many copies of each event arrive, with `duplicate`."""
    delay_ms: Annotated[int, Field(ge=0, le=LONGEST_DELAY_MS)] = 2000
    """The longest delay, with `delay`."""
    seed: Annotated[int, Field(ge=0, le=2**31 - 1)] = 0
    """The same seed and the same events give the same plan."""

    def to_chaos(self) -> Chaos:
        """Return it as the sandbox takes it."""
        return Chaos(tuple(dict.fromkeys(self.faults)), self.copies, self.delay_ms, self.seed)


def checkout_view(
    checkout: SandboxCheckout,
    deliveries: list[SandboxDelivery],
    chaos: Chaos,
    handed_over: dict[str, str],
    now: datetime,
) -> CheckoutView:
    """Show a checkout with its deliveries, and the faults that apply to it."""
    about = [one for one in deliveries if one.checkout_id == checkout.id]
    return view_of(
        CheckoutView,
        checkout,
        price=to_major(checkout.amount, checkout.provider, checkout.currency),
        status_name=STANDINGS[checkout.status].name,
        tone=STANDINGS[checkout.status].tone,
        can=possible_in(checkout, now),
        happened=[view_of(HappenedView, one, text=in_words(one)[0]) for one in checkout.happened],
        deliveries=dict(Counter(one.status for one in about)),
        untried=sum(not one.attempts for one in about),
        success_url=_filled(checkout.success_url, checkout.id),
        cancel_url=_filled(checkout.cancel_url, checkout.id),
        handed_over=handed_over,
        chaos=chaos,
        has_own_chaos=checkout.chaos is not None,
    )


def _filled(address: str | None, checkout_id: str) -> str | None:
    """Fill in the id as Stripe does; return None for a URL that a page must not open."""
    if address is None or urlsplit(address).scheme not in {"http", "https"}:
        return None
    return address.replace("{CHECKOUT_SESSION_ID}", checkout_id)
