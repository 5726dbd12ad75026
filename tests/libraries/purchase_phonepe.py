"""A whole purchase, its refunds and the reading of each, by PhonePe's own library for Python."""

import hashlib
import json
from typing import Any

from customer import counting, customer, finish, given, page_of, refused
from phonepe.sdk.pg import env
from phonepe.sdk.pg.common.exceptions import BadRequest, ResourceNotFound
from phonepe.sdk.pg.common.models.request.meta_info import MetaInfo
from phonepe.sdk.pg.common.models.request.refund_request import RefundRequest
from phonepe.sdk.pg.payments.v2.models.request.create_sdk_order_request import (
    CreateSdkOrderRequest,
)
from phonepe.sdk.pg.payments.v2.models.request.standard_checkout_pay_request import (
    StandardCheckoutPayRequest,
)
from phonepe.sdk.pg.payments.v2.standard_checkout_client import StandardCheckoutClient
from requests import Session

# The library has no setting for its address, and makes its sessions itself.
for name in vars(env):
    if name.startswith("SANDBOX_"):
        setattr(env, name, given["address"] + "/sandbox/phonepe")
_made = Session.__init__


def _counted(session: Session, *args: Any, **options: Any) -> None:
    _made(session, *args, **options)
    counting(session)


Session.__init__ = _counted  # type: ignore[method-assign]
library: Any = StandardCheckoutClient.get_instance(
    client_id=given["phonepeId"],
    client_secret=given["phonepeSecret"],
    client_version=given["phonepeVersion"],
    env=env.Env.SANDBOX,
    should_publish_events=False,
)


def buy(order_id: str, **fields: Any) -> None:
    """Buy once, after a first try failed."""
    opened = library.pay(
        StandardCheckoutPayRequest.build_request(
            merchant_order_id=order_id,
            amount=50_000,
            redirect_url="https://shop.example/thanks",
            **fields,
        )
    )
    assert opened.state == "PENDING"
    customer(page_of(opened.redirect_url), "declined")
    customer(page_of(opened.redirect_url), "paid", method="upi")
    order = library.get_order_status(order_id, details=True)
    assert (order.state, len(order.payment_details)) == ("COMPLETED", 2)
    assert len(library.get_order_status(order_id).payment_details) == 1
    for attempt in order.payment_details:
        found = library.get_transaction_status(attempt.transaction_id)
        assert found.payment_details == [attempt]


def give_back(order_id: str) -> None:
    """Refund in parts, and not less than a rupee."""
    for amount in (10_000, 20_000):
        refund_id = f"refund-{order_id}-{amount}"
        asked = RefundRequest.build_refund_request(
            merchant_refund_id=refund_id, original_merchant_order_id=order_id, amount=amount
        )
        made = library.refund(asked)
        assert (made.state, made.amount) == ("PENDING", amount)
        found = library.get_refund_status(refund_id)
        assert (found.state, found.amount) == ("COMPLETED", amount)
    small = RefundRequest.build_refund_request(
        merchant_refund_id="small", original_merchant_order_id=order_id, amount=99
    )
    refused(BadRequest, lambda: library.refund(small))


buy("python-1")
buy("python-2", expire_after=1200, meta_info=MetaInfo(udf1="python-2"))
assert library.get_order_status("python-2").meta_info.udf1 == "python-2"
give_back("python-1")
in_app = CreateSdkOrderRequest.build_standard_checkout_request(
    merchant_order_id="python-app", amount=50_000, redirect_url="https://shop.example/thanks"
)
assert library.create_sdk_order(in_app).token
refused(ResourceNotFound, lambda: library.get_order_status("nobody"))
refused(ResourceNotFound, lambda: library.get_transaction_status("OM1"))
login = hashlib.sha256(b"user:word").hexdigest()
event = json.dumps({"event": "checkout.order.completed", "payload": {}})
assert library.validate_callback("user", "word", login, event)
finish()
