"""Facts from refunds, of a webhook or of the status API: only the root state is relied on.

https://developer.phonepe.com/payment-gateway/website-integration/standard-checkout/
api-integration/api-reference/refund-status
"""

from service.core.strict_json import JsonObject
from service.providers.facts import RefundUpdated
from service.providers.phonepe.orders import CURRENCY, order_id_of
from service.providers.phonepe.reading import bank_reference_of, latest_time, part_of, word_of
from service.providers.reading import entries, inner, needed_amount, our_refund_id, text, word

_STATES = {"COMPLETED": "succeeded", "FAILED": "failed"}


def refund_of(refund_id: str, refund: JsonObject) -> RefundUpdated:
    """Read a refund by the id that its merchant gave it. Raises `MalformedBody`.

    It has no better one: PhonePe's own is not there while the refund is only accepted.
    """
    order_id = order_id_of(refund, "originalMerchantOrderId")
    part = part_of(next(iter(entries(refund, "paymentDetails")), refund))
    detailed = word(refund, "detailedErrorCode")
    return RefundUpdated(
        provider_refund_id=refund_id,
        provider_payment_id=order_id,
        amount=needed_amount(refund),
        currency=CURRENCY,
        status=_STATES.get(word_of(refund, "state"), "pending"),
        bank_reference=bank_reference_of(inner(part, "rail"), inner(part, "instrument")),
        made_at=latest_time(refund),
        refund_id=our_refund_id({"id": refund_id}, "id"),
        payment_ids=(order_id,),
        failure_code=detailed or word(refund, "errorCode"),
        failure_message=text(inner(refund, "errorContext"), "description"),
    )
