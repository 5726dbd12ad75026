"""PhonePe's server-to-server callback of v1, whose signature covers its content.

https://developer.phonepe.com/v1/reference/server-to-server-callback-5. A webhook of v2 is only a
hint, which PhonePe's status API has to confirm: nobody but PhonePe could play that.
"""

import base64
import json

from service.core.strict_json import JsonObject
from service.providers.phonepe.verify import x_verify_of
from tillgate_sandbox.events.sale import Outcome, Sale, SignedEvent

_CODES: dict[Outcome, tuple[str, str, str]] = {
    Outcome.SUCCEEDED: ("PAYMENT_SUCCESS", "COMPLETED", "SUCCESS"),
    Outcome.FAILED: ("PAYMENT_ERROR", "FAILED", "ZM"),
    Outcome.PROCESSING: ("PAYMENT_PENDING", "PENDING", "PAYMENT_PENDING"),
    Outcome.EXPIRED: ("TIMED_OUT", "FAILED", "TIMED_OUT"),
}


def phonepe_callback(
    sale: Sale, outcome: Outcome, *, salt: str, index: str, merchant_account: str | None
) -> SignedEvent:
    """Build and sign the callback that tells an outcome: `X-VERIFY: sha256###index`.

    `merchant_account` is our id at PhonePe, PHONEPE_MERCHANT_ID.
    """
    code, state, response_code = _CODES[outcome]
    order_id = sale.checkout_ref or sale.session_id
    content: JsonObject = {
        "success": outcome is Outcome.SUCCEEDED,
        "code": code,
        "message": f"Your payment is {state.lower()}.",
        "data": {
            "merchantId": merchant_account,
            "merchantTransactionId": order_id,
            "transactionId": sale.made_id("T", length=22),
            "amount": sale.amount,
            "state": state,
            "responseCode": response_code,
            "paymentInstrument": {"type": "UPI", "utr": "206378866112"},
        },
    }
    response = base64.b64encode(json.dumps(content).encode()).decode()
    headers = {
        "Content-Type": "application/json",
        "X-VERIFY": x_verify_of(response, salt, index),
    }
    body = json.dumps({"response": response}).encode()
    event_id = f"callback:{order_id}:{code}:{state}:{sale.amount}"
    return SignedEvent(f"callback {code}", event_id, body, headers)
