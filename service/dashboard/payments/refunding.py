"""Refund a payment as a form asks for it, and say what came of a refund."""

from service.core.errors import InvalidInput
from service.core.principal import Principal
from service.dashboard.acting import Form, drawn
from service.dashboard.money import minor_of, price
from service.dashboard.said import Said
from service.payments.refunds.documents import Refund
from service.payments.refunds.operations.find_payment import find_payment
from service.payments.refunds.operations.request import Wanted
from service.payments.refunds.schemas import MakeRefund
from service.payments.refunds.sending.now import refund_now
from service.payments.refunds.sending.services import RefundServices
from service.payments.refunds.states import RefundStatus
from service.web.wire import decode_wire_model


async def refund(reader: Principal, payment_id: str, given: Form, services: RefundServices) -> Said:
    """Refund a payment, or the part that the form names; sent twice, a form is one refund.

    Raises `InvalidInput`, and what says why it can't be refunded.
    """
    payment = await find_payment(reader.merchant_id, payment_id)
    if not given.get("reason"):
        raise InvalidInput("Nothing was refunded: say why in the field for the reason.")
    sent = decode_wire_model(
        MakeRefund,
        {
            "amount": minor_of(given.get("amount", ""), payment),
            "reason": given["reason"],
            "bankReference": given.get("reference") or None,
        },
    )
    wanted = Wanted(
        sent.reason,
        "merchant",
        sent.amount,
        bank_reference=sent.bank_reference,
        seed=f"dashboard:{reader.merchant_id}:{payment_id}:{given.get('seed') or drawn()}",
    )
    return said_of(await refund_now(str(payment.id), wanted, reader, services))


def said_of(refund: Refund) -> Said:
    """Return in words how a refund stands after it was made or decided."""
    amount = price(refund.amount, refund.provider, refund.currency)
    match refund.status:
        case RefundStatus.REQUESTED:
            return Said(f"{amount} is more than one key may refund: another one decides.", "warn")
        case RefundStatus.SUCCEEDED:
            return Said(f"{amount} was refunded.")
        case RefundStatus.DENIED:
            return Said(f"The refund of {amount} was denied. No money moves.", "warn")
        case RefundStatus.FAILED | RefundStatus.CANCELED:
            return Said(f"The refund of {amount} has failed. No money moves.", "bad")
        case _:
            return Said(f"{amount} is on its way back. The provider says when it has arrived.")
