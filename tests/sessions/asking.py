"""What tests of sessions ask, and how they look at the answers."""

from collections.abc import Mapping
from datetime import timedelta
from typing import Any

import jwt
from httpx import Response

from service.core.clock import Clock
from service.core.principal import Kind
from service.migrations.documents import Migration
from service.storage.database import Database
from service.stored import DOCUMENTS
from tests.support.api import ADMIN, PUBLISHABLE, SECRET, Api
from tests.support.keys import issue_key
from tests.support.settings import JWT_SECRET

PAYMENTS = "/api/payment-sessions"
CHECKOUTS = "/api/checkout-sessions"
CREATE_CHECKOUT = "/api/payments/create-checkout"


def payment_body(**changes: Any) -> dict[str, Any]:
    """The reference document's own body; a None leaves a field out."""
    body = {
        "sessionId": "TICKET_1234567890_ABC123",
        "userId": "user_123",
        "eventId": "event_456",
        "amount": 1000,
        "quantity": 1,
        "paymentMethod": "phonepe",
        "metadata": {"orderId": "phonepe_order_123"},
    } | changes
    return {name: value for name, value in body.items() if value is not None}


def checkout_body(**changes: Any) -> dict[str, Any]:
    """A body for a plan at Stripe; a None leaves a field out."""
    body = {
        "userId": "user_123",
        "email": "ada@example.com",
        "plan": "premium",
        "provider": "stripe",
        "amount": 2999,
        "currency": "USD",
    } | changes
    return {name: value for name, value in body.items() if value is not None}


def problem(answer: Response, status: int, error: str) -> dict[str, Any]:
    """Hold an answer to be the problem that is meant, and give it."""
    assert answer.status_code == status, answer.text
    assert answer.headers["content-type"] == "application/problem+json"
    body: dict[str, Any] = answer.json()
    assert body["error"] == error, body
    assert body["details"] == body["detail"]
    return body


def fields_of(answer: Response) -> set[str]:
    """Return the fields that a problem names."""
    return {one["field"] for one in answer.json().get("errors", [])}


def token_of(user_id: str, clock: Clock, **claims: object) -> str:
    """Sign an end user's token."""
    expires = clock.now() + timedelta(hours=24)
    return jwt.encode({"sub": user_id, "exp": int(expires.timestamp())} | claims, JWT_SECRET)


async def key_of_another_merchant(clock: Clock, kind: Kind = Kind.SECRET) -> str:
    """Issue a key for a merchant that is not ours."""
    issued = await issue_key(clock, kind, merchant_id="another")
    return issued.key


async def put_price(api: Api, item: str, amount: int, currency: str = "USD", **more: Any) -> None:
    """Put a price into the catalog."""
    body = {"currency": currency, "amount": amount, **more}
    answer = await api.call("PUT", f"/api/admin/prices/{item}", ADMIN, json=body)
    assert answer.status_code == 200, answer.text


async def put_coupon(api: Api, code: str, **fields: Any) -> None:
    """Put a coupon into the catalog."""
    answer = await api.call("PUT", f"/api/admin/coupons/{code}", ADMIN, json=fields)
    assert answer.status_code == 200, answer.text


async def open_as_browser(
    api: Api, path: str, body: Mapping[str, Any]
) -> tuple[dict[str, Any], dict[str, str]]:
    """Open a session with a publishable key; return it and the header that proves it."""
    answer = await api.call("POST", path, PUBLISHABLE, json=body)
    assert answer.status_code == 201, answer.text
    opened = answer.json()
    return opened["session"], {"X-Client-Secret": opened["clientSecret"]}


async def change(api: Api, key: str = SECRET, **body: Any) -> Response:
    """Change a session; `headers` go along."""
    headers = body.pop("headers", {})
    return await api.call("PATCH", PAYMENTS, key, json=body, headers=headers)


async def count_all(database: Database) -> dict[str, int]:
    """Count the documents of every collection but those that tell the layout."""
    names = {document.collection_name() for document in DOCUMENTS if document is not Migration}
    return {name: await database[name].count_documents({}) for name in sorted(names)}
