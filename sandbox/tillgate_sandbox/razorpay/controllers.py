"""Razorpay's API, as far as an integration of orders and payment links uses it."""

from typing import Annotated

from litestar import Controller, get, post
from litestar.di import Provide
from litestar.params import FromPath, HeaderParameter, QueryParameter, RawBody

from service.core.errors import TillgateError
from service.core.strict_json import JsonObject
from service.web.authentication import PUBLIC
from service.web.limits.rate_limits import UNLIMITED
from tillgate_sandbox import repository
from tillgate_sandbox.base import Sandbox, pay_page
from tillgate_sandbox.documents import SandboxCheckout
from tillgate_sandbox.razorpay.moving import (
    cancel_link,
    capture,
    payment_in,
    refund_once,
    the_payment,
)
from tillgate_sandbox.razorpay.opening import read_link, read_order
from tillgate_sandbox.razorpay.refusals import (
    NoSuchId,
    Refusal,
    TheSandbox,
    misread,
    provide_played,
    read_object,
    refused,
)
from tillgate_sandbox.razorpay.render import (
    ORDER,
    collection,
    dispute_entity,
    is_link,
    link_entity,
    link_id_of,
    order_entity,
    payment_entity,
    refund_entity,
)

Count = Annotated[int, QueryParameter(name="count", ge=1, le=100)]
Skip = Annotated[int, QueryParameter(name="skip", ge=0)]
RefundKey = Annotated[str | None, HeaderParameter(name="X-Refund-Idempotency")]


_MOST_LOOKED_AT = 1000


class PlayedApi(Controller):
    """What all of its API shares: basic auth by the key, and Razorpay's own errors."""

    opt = {PUBLIC: True, UNLIMITED: True}
    include_in_schema = False
    dependencies = {"played": Provide(provide_played, sync_to_thread=False)}
    exception_handlers = {Refusal: refused, TillgateError: misread}


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
        receipt: Annotated[str | None, QueryParameter(name="receipt")] = None,
        count: Count = 10,
    ) -> JsonObject:
        """List orders, newest first."""
        wanted = {} if receipt is None else {"request.receipt": {"$eq": receipt}}
        orders = await repository.list_checkouts("razorpay", "order", wanted, count)
        return collection([order_entity(order) for order in orders])

    @get("/{order_id:str}")
    async def read(self, order_id: FromPath[str], played: TheSandbox) -> JsonObject:
        """Read an order, also that of a payment link."""
        return order_entity(await _order(order_id))

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
        if not await repository.insert_checkout(link):
            reference = link.request.get("reference_id")
            raise Refusal(
                f"payment link with given reference_id ({reference}) already exists. "
                "Please create a new payment link with a different reference_id.",
                field="reference_id",
            )
        return _link(link, played)

    @get("/")
    async def find(
        self,
        played: TheSandbox,
        reference_id: Annotated[str | None, QueryParameter(name="reference_id")] = None,
        payment_id: Annotated[str | None, QueryParameter(name="payment_id")] = None,
        count: Count = 10,
    ) -> JsonObject:
        """List payment links, newest first."""
        given = {"request.reference_id": reference_id, "payments.id": payment_id}
        wanted = {name: {"$eq": value} for name, value in given.items() if value is not None}
        links = await repository.list_checkouts("razorpay", "link", wanted, count)
        return {"payment_links": [_link(link, played) for link in links]}

    @get("/{link_id:str}")
    async def read(self, link_id: FromPath[str], played: TheSandbox) -> JsonObject:
        """Read a payment link."""
        return _link(await _find_link(link_id), played)

    @post("/{link_id:str}/cancel", status_code=200)
    async def cancel(self, link_id: FromPath[str], played: TheSandbox) -> JsonObject:
        """Cancel a payment link that is not paid."""
        return _link(await cancel_link(await _find_link(link_id), played), played)


class RazorpayPayments(PlayedApi):
    """Payments, refunds and disputes (https://razorpay.com/docs/api/payments, /api/refunds)."""

    path = "/sandbox/razorpay/v1"

    @get("/payments/{payment_id:str}")
    async def read(self, payment_id: FromPath[str], played: TheSandbox) -> JsonObject:
        """Read a payment."""
        return payment_entity(*await the_payment(payment_id))

    @post("/payments/{payment_id:str}/capture", status_code=200)
    async def capture(
        self, payment_id: FromPath[str], body: RawBody, played: TheSandbox
    ) -> JsonObject:
        """Capture a payment that is authorized."""
        checkout = await capture(payment_id, read_object(body), played)
        return payment_entity(checkout, payment_in(checkout, payment_id))

    @post("/payments/{payment_id:str}/refund", status_code=200)
    async def refund(
        self,
        payment_id: FromPath[str],
        body: RawBody,
        played: TheSandbox,
        refund_key: RefundKey = None,
    ) -> JsonObject:
        """Refund a payment, whole or in part."""
        return await refund_once(payment_id, read_object(body), refund_key, played)

    @get("/payments/{payment_id:str}/refunds")
    async def refunds(
        self, payment_id: FromPath[str], played: TheSandbox, count: Count = 10, skip: Skip = 0
    ) -> JsonObject:
        """List the refunds of a payment, oldest first."""
        _, payment = await the_payment(payment_id)
        listed = sorted(payment.refunds, key=lambda one: one.at)[skip : skip + count]
        return collection([refund_entity(payment, refund) for refund in listed])

    @get("/refunds/{refund_id:str}")
    async def read_refund(self, refund_id: FromPath[str], played: TheSandbox) -> JsonObject:
        """Read a refund."""
        checkout = await repository.find_by_object(refund_id)
        for payment in checkout.payments if checkout else ():
            for refund in payment.refunds:
                if refund.id == refund_id:
                    return refund_entity(payment, refund)
        raise NoSuchId

    @get("/disputes")
    async def disputes(self, played: TheSandbox, count: Count = 10, skip: Skip = 0) -> JsonObject:
        """List disputes (https://razorpay.com/docs/api/disputes)."""
        paid = await repository.paid_checkouts("razorpay", {}, _MOST_LOOKED_AT)
        payments = [payment for checkout in paid for payment in checkout.payments]
        found = [dispute_entity(one, one.dispute) for one in payments if one.dispute]
        return collection(found[skip : skip + count])

    @get("/disputes/{dispute_id:str}")
    async def read_dispute(self, dispute_id: FromPath[str], played: TheSandbox) -> JsonObject:
        """Read a dispute."""
        checkout = await repository.find_by_object(dispute_id)
        for payment in checkout.payments if checkout else ():
            if payment.dispute is not None and payment.dispute.id == dispute_id:
                return dispute_entity(payment, payment.dispute)
        raise NoSuchId


ROUTES = (RazorpayOrders, RazorpayLinks, RazorpayPayments)


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
