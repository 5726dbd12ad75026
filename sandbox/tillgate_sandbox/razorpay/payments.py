"""Razorpay's API of payments, their refunds and their disputes."""

from typing import Annotated

from litestar import get, patch, post
from litestar.params import FromPath, HeaderParameter, RawBody

from service.core.strict_json import JsonObject
from tillgate_sandbox import listing, repository
from tillgate_sandbox.documents import SandboxCheckout
from tillgate_sandbox.razorpay.controllers import PlayedApi, ThePart
from tillgate_sandbox.razorpay.editing import edit_payment, edit_refund
from tillgate_sandbox.razorpay.moving import (
    capture,
    payment_in,
    refund_once,
    the_payment,
    the_refund,
)
from tillgate_sandbox.razorpay.refusals import NoSuchId, TheSandbox, read_object
from tillgate_sandbox.razorpay.render import (
    collection,
    dispute_entity,
    payment_entity,
    refund_entity,
)

RefundKey = Annotated[str | None, HeaderParameter(name="X-Refund-Idempotency")]


class RazorpayPayments(PlayedApi):
    """Payments and disputes (https://razorpay.com/docs/api/payments)."""

    path = "/sandbox/razorpay/v1"

    @get("/payments")
    async def find(self, played: TheSandbox, part: ThePart) -> JsonObject:
        """List payments, newest first, those that failed too."""
        paid = await listing.paid_checkouts("razorpay")
        found = (payment_entity(one, payment) for one in paid for payment in one.payments)
        return collection(part.of(found))

    @get("/payments/{payment_id:str}")
    async def read(self, payment_id: FromPath[str], played: TheSandbox) -> JsonObject:
        """Read a payment."""
        return payment_entity(*await the_payment(payment_id))

    @patch("/payments/{payment_id:str}")
    async def edit(
        self, payment_id: FromPath[str], body: RawBody, played: TheSandbox
    ) -> JsonObject:
        """Change the notes of a payment, and nothing else."""
        checkout = await edit_payment(payment_id, read_object(body), played)
        return payment_entity(checkout, payment_in(checkout, payment_id))

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

    @get("/disputes")
    async def disputes(self, played: TheSandbox, part: ThePart) -> JsonObject:
        """List disputes (https://razorpay.com/docs/api/disputes)."""
        paid = await listing.paid_checkouts("razorpay")
        payments = [payment for checkout in paid for payment in checkout.payments]
        found = (dispute_entity(one, one.dispute) for one in payments if one.dispute)
        return collection(part.of(found))

    @get("/disputes/{dispute_id:str}")
    async def read_dispute(self, dispute_id: FromPath[str], played: TheSandbox) -> JsonObject:
        """Read a dispute."""
        checkout = await repository.find_by_object(dispute_id)
        for payment in checkout.payments if checkout else ():
            if payment.dispute is not None and payment.dispute.id == dispute_id:
                return dispute_entity(payment, payment.dispute)
        raise NoSuchId


class RazorpayRefunds(PlayedApi):
    """Refunds (https://razorpay.com/docs/api/refunds)."""

    path = "/sandbox/razorpay/v1"

    @get("/refunds")
    async def find(self, played: TheSandbox, part: ThePart) -> JsonObject:
        """List refunds, newest first."""
        paid = await listing.paid_checkouts("razorpay")
        return collection(part.of(one for checkout in paid for one in _refunds(checkout)))

    @get("/refunds/{refund_id:str}")
    async def read(self, refund_id: FromPath[str], played: TheSandbox) -> JsonObject:
        """Read a refund."""
        return refund_entity(*await the_refund(refund_id))

    @patch("/refunds/{refund_id:str}")
    async def edit(self, refund_id: FromPath[str], body: RawBody, played: TheSandbox) -> JsonObject:
        """Change the notes of a refund, and nothing else."""
        return refund_entity(*await edit_refund(refund_id, read_object(body), played))

    @get("/payments/{payment_id:str}/refunds")
    async def of_payment(
        self, payment_id: FromPath[str], played: TheSandbox, part: ThePart
    ) -> JsonObject:
        """List the refunds of a payment, oldest first."""
        _, payment = await the_payment(payment_id)
        found = part.of(
            (refund_entity(payment, one) for one in payment.refunds), newest_first=False
        )
        return collection(found)

    @get("/payments/{payment_id:str}/refunds/{refund_id:str}")
    async def read_of_payment(
        self, payment_id: FromPath[str], refund_id: FromPath[str], played: TheSandbox
    ) -> JsonObject:
        """Read a refund of a payment."""
        payment, refund = await the_refund(refund_id)
        if payment.id != payment_id:
            raise NoSuchId
        return refund_entity(payment, refund)


def _refunds(checkout: SandboxCheckout) -> list[JsonObject]:
    return [
        refund_entity(payment, one)
        for payment in checkout.payments
        for one in payment.refunds[::-1]
    ]
