"""Razorpay's API of orders and payment links, and what all of its API shares."""

from collections.abc import Iterable
from typing import Annotated, Literal

from litestar import Controller, HttpMethod, get, patch, post, route
from litestar.di import NamedDependency, Provide
from litestar.exceptions import ValidationException
from litestar.params import FromPath, QueryParameter, RawBody, SkipValidation
from msgspec import Struct

from service.core.errors import TillgateError
from service.core.strict_json import JsonObject
from service.providers.reading import whole
from service.web.authentication import PUBLIC
from service.web.limits.rate_limits import UNLIMITED
from service.web.requests import AnyRequest
from tillgate_sandbox import listing, repository
from tillgate_sandbox.base import Sandbox, pay_page
from tillgate_sandbox.documents import SandboxCheckout
from tillgate_sandbox.listing import Span, Within
from tillgate_sandbox.razorpay.editing import ReferenceTaken, claim_reference, edit_link, edit_order
from tillgate_sandbox.razorpay.moving import cancel_link
from tillgate_sandbox.razorpay.opening import read_link, read_order
from tillgate_sandbox.razorpay.refusals import (
    NoSuchId,
    Refusal,
    TheSandbox,
    misgiven,
    misread,
    provide_played,
    read_object,
    refused,
)
from tillgate_sandbox.razorpay.render import (
    ORDER,
    collection,
    is_link,
    link_entity,
    link_id_of,
    order_entity,
    payment_entity,
)
from tillgate_sandbox.states import PaymentStatus

Count = Annotated[int, QueryParameter(name="count", ge=1, le=100)]
Skip = Annotated[int, QueryParameter(name="skip", ge=0)]
Since = Annotated[int | None, QueryParameter(name="from", ge=0)]
Until = Annotated[int | None, QueryParameter(name="to", ge=0)]


class Part(Struct, frozen=True):
    """Which part of a list is asked for, and of which time."""

    span: Span
    within: Within

    def of(self, found: Iterable[JsonObject], *, newest_first: bool = True) -> list[JsonObject]:
        """Return this part of a whole list, in the order of its making."""
        made = [one for one in found if self.within.holds(whole(one, "created_at") or 0)]
        made.sort(key=lambda one: whole(one, "created_at") or 0, reverse=newest_first)
        return made[self.span.skip : self.span.skip + self.span.limit]


def read_part(count: Count = 10, skip: Skip = 0, since: Since = None, until: Until = None) -> Part:
    """Read what every list takes."""
    return Part(Span(count, skip=skip), Within(since, until))


ThePart = NamedDependency[SkipValidation[Part]]


class PlayedApi(Controller):
    """What all of its API shares: basic auth by the key, and Razorpay's own errors."""

    opt = {PUBLIC: True, UNLIMITED: True}
    include_in_schema = False
    dependencies = {
        "played": Provide(provide_played, sync_to_thread=False),
        "part": Provide(read_part, sync_to_thread=False),
    }
    exception_handlers = {
        Refusal: refused,
        TillgateError: misread,
        ValidationException: misgiven,
    }


class RazorpayOrders(PlayedApi):
    """Orders (https://razorpay.com/docs/api/orders)."""

    path = "/sandbox/razorpay/v1/orders"

    @post("/", status_code=200)
    async def create(self, body: RawBody, played: TheSandbox) -> JsonObject:
        """Open an order."""
        order = read_order(read_object(body), played.clock.now())
        if not await repository.insert_checkout(order):
            raise Refusal("Order receipt should be unique.", field="receipt")
        return order_entity(order)

    @get("/")
    async def find(
        self,
        played: TheSandbox,
        part: ThePart,
        receipt: Annotated[str | None, QueryParameter(name="receipt")] = None,
        authorized: Annotated[Literal["0", "1"] | None, QueryParameter(name="authorized")] = None,
    ) -> JsonObject:
        """List orders, newest first; `authorized`: those with a payment that is held, or not."""
        wanted = part.within.wanted()
        if receipt is not None:
            wanted["request.receipt"] = {"$eq": receipt}
        if authorized is not None:
            held = PaymentStatus.AUTHORIZED.value
            wanted["payments.status"] = held if authorized == "1" else {"$ne": held}
        orders = await listing.list_checkouts("razorpay", ["order"], wanted, part.span)
        return collection([order_entity(order) for order in orders])

    @get("/{order_id:str}")
    async def read(self, order_id: FromPath[str], played: TheSandbox) -> JsonObject:
        """Read an order, also that of a payment link."""
        return order_entity(await _order(order_id))

    @patch("/{order_id:str}")
    async def edit(self, order_id: FromPath[str], body: RawBody, played: TheSandbox) -> JsonObject:
        """Change the notes of an order, and nothing else."""
        return order_entity(await edit_order(await _order(order_id), read_object(body), played))

    @get("/{order_id:str}/payments")
    async def payments(self, order_id: FromPath[str], played: TheSandbox) -> JsonObject:
        """List the attempts to pay an order."""
        order = await _order(order_id)
        return collection([payment_entity(order, one) for one in order.payments])


class RazorpayLinks(PlayedApi):
    """Payment links (https://razorpay.com/docs/api/payments/payment-links)."""

    path = "/sandbox/razorpay/v1/payment_links"

    @post("/", status_code=200)
    async def create(self, body: RawBody, played: TheSandbox) -> JsonObject:
        """Open a payment link."""
        link = read_link(read_object(body), played.clock.now())
        await claim_reference(link, played)
        if not await repository.insert_checkout(link):
            raise ReferenceTaken(link.request.get("reference_id"))
        return _link(link, played)

    @get("/")
    async def find(
        self,
        played: TheSandbox,
        part: ThePart,
        reference_id: Annotated[str | None, QueryParameter(name="reference_id")] = None,
        payment_id: Annotated[str | None, QueryParameter(name="payment_id")] = None,
    ) -> JsonObject:
        """List payment links, newest first."""
        given = {"request.reference_id": reference_id, "payments.id": payment_id}
        wanted = part.within.wanted()
        wanted |= {name: {"$eq": value} for name, value in given.items() if value is not None}
        links = await listing.list_checkouts("razorpay", ["link"], wanted, part.span)
        return {"payment_links": [_link(link, played) for link in links]}

    @get("/{link_id:str}")
    async def read(self, link_id: FromPath[str], played: TheSandbox) -> JsonObject:
        """Read a payment link."""
        return _link(await _find_link(link_id), played)

    @patch("/{link_id:str}")
    async def edit(self, link_id: FromPath[str], body: RawBody, played: TheSandbox) -> JsonObject:
        """Change a payment link that nobody has paid yet."""
        link = await edit_link(await _find_link(link_id), read_object(body), played)
        return _link(link, played)

    @post("/{link_id:str}/notify_by/{medium:str}", status_code=200)
    async def notify(
        self, link_id: FromPath[str], medium: FromPath[str], played: TheSandbox
    ) -> JsonObject:
        """Say that the customer is told; the sandbox sends nothing."""
        await _find_link(link_id)
        if medium not in ("email", "sms"):
            raise Refusal("medium should be sms or email", field="medium")
        return {"success": True}

    @post("/{link_id:str}/cancel", status_code=200)
    async def cancel(self, link_id: FromPath[str], played: TheSandbox) -> JsonObject:
        """Cancel a payment link that is not paid."""
        return _link(await cancel_link(await _find_link(link_id), played), played)


def _link(checkout: SandboxCheckout, sandbox: Sandbox) -> JsonObject:
    return link_entity(checkout, pay_page(sandbox.settings, checkout.page_id))


async def _order(order_id: str) -> SandboxCheckout:
    """Find an order: one of its own, or the one that a payment link pays. Raises `NoSuchId`."""
    if not order_id.startswith(ORDER):
        raise NoSuchId
    found = await repository.find_checkout(order_id)
    return found or await _find_link(link_id_of(order_id))


async def _find_link(link_id: str) -> SandboxCheckout:
    found = await repository.find_checkout(link_id) if is_link(link_id) else None
    if found is None:
        raise NoSuchId
    return found


_METHODS = [HttpMethod.GET, HttpMethod.POST, HttpMethod.PATCH, HttpMethod.PUT, HttpMethod.DELETE]
_NOT_PLAYED = (
    "customers",
    "invoices/{invoice_id:str}/{rest:path}",
    "items",
    "payments/{payment_id:str}/bank_transfer",
    "payments/{payment_id:str}/card",
    "payments/{payment_id:str}/transfers",
    "qr_codes",
    "settlements",
    "transfers",
    "virtual_accounts",
)


async def _take_any_query(_: AnyRequest) -> None:
    """Let every query through to the refusal."""


class NotPlayed(PlayedApi):
    """What the official libraries have, and the sandbox does not."""

    path = "/sandbox/razorpay/v1"

    @route(
        [f"/{name}" for name in _NOT_PLAYED], http_method=_METHODS, before_request=_take_any_query
    )
    async def refuse(self, played: TheSandbox) -> JsonObject:
        """Refuse as Razorpay refuses an address that it does not have."""
        raise Refusal("The requested URL was not found on the server.", status=404)
