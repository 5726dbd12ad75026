"""What a customer reads at the provider: the item as the catalog calls it."""

from urllib.parse import parse_qs, urlsplit

import pytest

from tests.sandbox.lab import Lab
from tests.sessions.asking import put_price
from tests.support.settings import PUBLISHABLE, SECRET

TITLE = "An evening of chamber music"


async def shown_at(lab: Lab, key: str, **fields: object) -> str:
    """Open a checkout; return everything that the provider was sent."""
    body = {"userId": "ada", "currency": "INR"} | fields
    answer = await lab.api.call("POST", "/api/payments/create-checkout", key, json=body)
    assert answer.status_code == 201, answer.text
    opened = answer.json()
    if opened["provider"] == "upi":
        return parse_qs(urlsplit(opened["checkoutUrl"]).query)["tn"][0]
    return str((await lab.checkout(opened["providerSessionId"])).request)


@pytest.mark.parametrize(
    ("provider", "item"),
    [
        ("stripe", {"eventId": "evening"}),
        ("upi", {"eventId": "evening"}),
        ("razorpay", {"plan": "evening", "email": "ada@example.com"}),
    ],
)
async def test_a_prices_title_reaches_the_providers_page(
    lab: Lab, provider: str, item: dict[str, str]
) -> None:
    await put_price(lab.api, "evening", amount=1000, currency="INR", title=TITLE)
    assert TITLE in await shown_at(lab, PUBLISHABLE, provider=provider, **item)


async def test_control_what_a_server_prices_is_called_by_its_name(lab: Lab) -> None:
    await put_price(lab.api, "evening", amount=1000, currency="INR", title=TITLE)
    shown = await shown_at(lab, SECRET, provider="stripe", eventId="evening", amount=1000)
    assert TITLE not in shown
    assert "evening" in shown
