"""What costs nothing mails only whom a server or a signed-in user has named."""

from typing import Any

import pytest

from tests.notifications.mail.mailing import CUSTOMER, Mailing
from tests.notifications.mail.servers import addresses
from tests.sessions.asking import CREATE_CHECKOUT, checkout_body
from tests.support.api import PUBLISHABLE, SECRET


async def _free(mailing: Mailing, key: str) -> dict[str, Any]:
    """Open a session that a coupon makes free, so that nobody has to pay."""
    price = {"amount": 700, "currency": "EUR"}
    assert (await mailing.shop.admin("PUT", "/prices/basic", json=price)).status_code == 200
    coupon = {"basisPoints": 10_000}
    assert (await mailing.shop.admin("PUT", "/coupons/GUEST", json=coupon)).status_code == 200
    body = checkout_body(
        sessionId="s-1",
        email=CUSTOMER,
        plan="basic",
        couponCode="GUEST",
        amount=None,
        currency="EUR",
    )
    answer = await mailing.shop.api.call("POST", CREATE_CHECKOUT, key, json=body)
    assert answer.status_code == 201, answer.text
    session: dict[str, Any] = answer.json()
    return session


@pytest.mark.parametrize(("key", "mailed"), [(PUBLISHABLE, []), (SECRET, [CUSTOMER])])
async def test_a_browser_can_not_have_strangers_mailed_by_what_costs_nothing(
    mailing: Mailing, key: str, mailed: list[str]
) -> None:
    await mailing.settle()  # the subscriber is born
    session = await _free(mailing, key)
    assert session["status"] == "completed"
    await mailing.settle()
    assert addresses(mailing.server.taken) == mailed
