"""Opening orders and refunds of checkout v2, as strictly as PhonePe.

https://developer.phonepe.com/payment-gateway/website-integration/standard-checkout/
api-integration/api-reference (create-payment, refund)
"""

from datetime import datetime, timedelta

from service.core.errors import Conflict
from service.core.money import LARGEST_AMOUNT
from service.core.strict_json import JsonObject
from service.providers.phonepe.orders import CURRENCY, is_order_id
from service.providers.reading import inner, text, whole
from tillgate_sandbox import repository
from tillgate_sandbox.base import Sandbox
from tillgate_sandbox.documents import SandboxCheckout, SandboxPayment, SandboxRefund
from tillgate_sandbox.phonepe.refusals import Refusal
from tillgate_sandbox.phonepe.render import phonepe_order_id
from tillgate_sandbox.settling import RefundRefused, ask_for_refund
from tillgate_sandbox.states import PaymentStatus

_SMALLEST_AMOUNT = 100
"""In paise, of an order and of a refund alike."""
_SHORTEST_LIFE_S, _LONGEST_LIFE_S = 300, 3600


def read_order(given: JsonObject, now: datetime) -> SandboxCheckout:
    """Read the request for an order; the merchant chooses its id. Raises `Refusal`."""
    order_id = _id(given, "merchantOrderId")
    amount = _amount(given)
    life = given.get("expireAfter", _LONGEST_LIFE_S)
    if type(life) is not int or not _SHORTEST_LIFE_S <= life <= _LONGEST_LIFE_S:
        raise _bad(f"expireAfter should be {_SHORTEST_LIFE_S} to {_LONGEST_LIFE_S} seconds.")
    flow = inner(given, "paymentFlow")
    back = text(inner(flow, "merchantUrls"), "redirectUrl")
    if text(flow, "type") != "PG_CHECKOUT" or back is None:
        raise _bad("paymentFlow should have type PG_CHECKOUT and merchantUrls.redirectUrl.")
    return SandboxCheckout(
        id=order_id,
        provider="phonepe",
        kind="order",
        page_id=phonepe_order_id(order_id),
        session_id=text(inner(given, "metaInfo"), "udf1") or order_id,
        amount=amount,
        currency=CURRENCY,
        request=given,
        success_url=back,
        cancel_url=back,  # PhonePe redirects every customer to the same URL
        created_at=now,
        updated_at=now,
        expires_at=now + timedelta(seconds=life),
        purge_at=now + repository.KEEP_FOR,
    )


async def refund(given: JsonObject, sandbox: Sandbox) -> tuple[SandboxCheckout, SandboxRefund]:
    """Refund money of an order, under the merchant's own id. Raises `Refusal`."""
    refund_id = _id(given, "merchantRefundId")
    order_id = _id(given, "originalMerchantOrderId")
    amount = _amount(given)
    if await repository.find_by_object(refund_id) is not None:
        raise _bad("A refund with this merchantRefundId exists already.")
    checkout = await find_order(order_id)
    if _paid(checkout) is None:
        raise _bad("The order is not completed.")
    asked = SandboxRefund(id=refund_id, amount=amount, at=sandbox.clock.now())
    try:
        return checkout, await ask_for_refund(checkout, asked, sandbox)
    except RefundRefused as error:
        poor = error.reason == "no_balance"
        code = "REFUND_INSUFFICIENT_BALANCE" if poor else "REFUND_NOT_ALLOWED"
        raise Refusal(code, error.message) from error
    except Conflict as error:
        raise _bad(error.message) from error


async def find_order(order_id: str) -> SandboxCheckout:
    """Find an order by the merchant's id. Raises `Refusal`."""
    found = await repository.find_checkout(order_id)
    if found is None or found.provider != "phonepe":
        raise Refusal("ORDER_NOT_FOUND", "No order found for the given merchantOrderId.", 404)
    return found


async def find_transaction(transaction_id: str) -> tuple[SandboxCheckout, SandboxPayment]:
    """Find an attempt to pay by PhonePe's id of it. Raises `Refusal`."""
    checkout = await repository.find_by_payment(transaction_id)
    for payment in checkout.payments if checkout else ():
        if checkout and checkout.provider == "phonepe" and payment.id == transaction_id:
            return checkout, payment
    raise Refusal("TRANSACTION_NOT_FOUND", "No transaction found for the given id.", 404)


async def find_refund(refund_id: str) -> tuple[SandboxCheckout, SandboxRefund]:
    """Find a refund by the merchant's id. Raises `Refusal`."""
    checkout = await repository.find_by_object(refund_id)
    for payment in checkout.payments if checkout else ():
        for made in payment.refunds:
            if checkout and checkout.provider == "phonepe" and made.id == refund_id:
                return checkout, made
    raise Refusal("REFUND_NOT_FOUND", "No refund found for the given merchantRefundId.", 404)


def _paid(checkout: SandboxCheckout) -> SandboxPayment | None:
    paid = (one for one in checkout.payments if one.status is PaymentStatus.SUCCEEDED)
    return next(paid, None)


def _id(given: JsonObject, field: str) -> str:
    found = given.get(field)
    if not isinstance(found, str) or not is_order_id(found):
        raise _bad(f"{field} should have 1 to 63 characters of A-Z a-z 0-9 _ -")
    return found


def _amount(given: JsonObject) -> int:
    amount = whole(given, "amount")
    if amount is None or not _SMALLEST_AMOUNT <= amount <= LARGEST_AMOUNT:
        raise _bad(f"amount should be a whole number of paise, at least {_SMALLEST_AMOUNT}.")
    return amount


def _bad(message: str) -> Refusal:
    return Refusal("BAD_REQUEST", message)
