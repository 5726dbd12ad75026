"""What a merchant's document decides about its sessions: the currency, and where they lead back."""

from typing import Any

import pytest

from service.core.principal import Kind
from tests.merchants.asking import keys_of, put
from tests.support.shop import Shop

BODY: dict[str, Any] = {"userId": "u", "eventId": "e", "quantity": 1, "paymentMethod": "stripe"}
SESSIONS = "/api/payment-sessions"


async def _opened(shop: Shop, key: str, path: str = SESSIONS, **fields: Any) -> Any:
    answer = await shop.api.call("POST", path, key, json=BODY | fields)
    return answer.status_code, answer.json()


async def test_a_session_that_names_no_currency_has_that_of_its_merchant(shop: Shop) -> None:
    alpha, beta = [(await keys_of(shop, name))[Kind.SECRET] for name in ("alpha", "beta")]
    await put(shop, defaultCurrency="EUR")
    for key, wanted in ((alpha, "EUR"), (beta, "USD")):
        status, told = await _opened(shop, key, amount=100)
        assert (status, told["session"]["currency"]) == (201, wanted)
    status, told = await _opened(shop, alpha, amount=100, currency="GBP")
    assert told["session"]["currency"] == "GBP"
    # What a provider takes alone, or usually, goes before any merchant's.
    _, told = await _opened(shop, alpha, amount=100, paymentMethod="upi")
    assert told["session"]["currency"] == "INR"
    await put(shop, defaultCurrency=None)
    assert (await _opened(shop, alpha, amount=100))[1]["session"]["currency"] == "USD"


async def test_a_browser_and_a_quote_pay_in_the_currency_of_the_merchant(shop: Shop) -> None:
    keys = await keys_of(shop)
    await put(shop, defaultCurrency="EUR")
    price = {"amount": 700, "currency": "EUR"}
    admin, browser = keys[Kind.ADMIN], keys[Kind.PUBLISHABLE]
    set_ = await shop.api.call("PUT", "/api/admin/prices/e", admin, json=price)
    assert set_.status_code == 200
    status, told = await _opened(shop, browser)
    assert (status, told["session"]["amount"], told["session"]["currency"]) == (201, 700, "EUR")
    asked = {"items": {"eventId": "e"}}
    quote = (await shop.api.call("POST", "/api/quotes", browser, json=asked)).json()["quote"]
    assert (quote["amount"], quote["currency"]) == (700, "EUR")


@pytest.mark.parametrize("field", ["successUrl", "cancelUrl"])
async def test_customers_come_back_to_the_origins_of_their_merchant_and_no_other(
    shop: Shop, field: str
) -> None:
    alpha, beta = [(await keys_of(shop, name))[Kind.SECRET] for name in ("alpha", "beta")]
    await put(shop, returnOrigins=["https://alpha.example", "https://pay.alpha.example:8443"])
    wanted = {field: "https://alpha.example/thanks?x=1"}
    assert (await _opened(shop, alpha, amount=1, **wanted))[0] == 201
    wanted = {field: "https://pay.alpha.example:8443/"}
    assert (await _opened(shop, alpha, amount=1, **wanted))[0] == 201
    ours = {field: f"{shop.api.container.rules.public_url}/back"}
    assert (await _opened(shop, alpha, amount=1, **ours))[0] == 201
    refused = [
        (beta, "https://alpha.example/thanks"),
        (alpha, "http://alpha.example/thanks"),
        (alpha, "https://alpha.example:444/"),
        (alpha, "https://alpha.example.evil.example/"),
        (alpha, "https://alpha.example@evil.example/"),
        (alpha, "https://evil.example/https://alpha.example"),
    ]
    for key, url in refused:
        status, told = await _opened(shop, key, amount=1, **{field: url})
        assert (status, told["errors"][0]["field"]) == (400, field), url
    await put(shop, returnOrigins=[])
    assert (await _opened(shop, alpha, amount=1, **{field: "https://alpha.example/"}))[0] == 400


async def test_a_checkout_is_opened_by_the_rules_of_its_merchant_too(shop: Shop) -> None:
    key = (await keys_of(shop))[Kind.SECRET]
    await put(shop)
    body = {"userId": "u", "email": "a@b.example", "plan": "p", "provider": "upi", "amount": 100}
    back = {"successUrl": "https://alpha.example/thanks"}
    path = "/api/payments/create-checkout"
    answer = await shop.api.call("POST", path, key, json=body | back)
    assert answer.status_code == 201, answer.text
    sid = answer.json()["sessionId"]
    assert (await shop.session(sid))["successUrl"] == back["successUrl"]
    elsewhere = {"successUrl": "https://beta.example/thanks", "plan": "another"}
    assert (await shop.api.call("POST", path, key, json=body | elsewhere)).status_code == 400
