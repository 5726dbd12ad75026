"""Leads as a page leaves them."""

from typing import Any

from httpx import Response

from tests.support.api import ADMIN, PUBLISHABLE, Api

PATH = "/api/payment-intent"
CHROME = (
    "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) "
    "Chrome/140.0.0.0 Safari/537.36"
)


async def post(api: Api, key: str = PUBLISHABLE, **fields: Any) -> Response:
    """Send a lead; a field of None is left out."""
    headers = fields.pop("headers", {})
    body = {"planName": "Premium Plan", "amount": "29.99"} | fields
    sent = {name: value for name, value in body.items() if value is not None}
    return await api.call("POST", PATH, key, json=sent, headers=headers)


async def leave(api: Api, **fields: Any) -> dict[str, Any]:
    """Leave a lead that must be taken, and return what was answered about it."""
    answer = await post(api, **fields)
    assert answer.status_code == 201, answer.text
    found: dict[str, Any] = answer.json()["data"]
    return found


async def get(api: Api, path: str, **params: Any) -> dict[str, Any]:
    """Read what an admin key may, and return the data of the answer."""
    answer = await api.call("GET", f"{PATH}/{path}", ADMIN, params=params)
    assert answer.status_code == 200, answer.text
    assert (answer.json()["code"], answer.json()["message"]) == (0, "ok")
    found: dict[str, Any] = answer.json()["data"]
    return found


async def ask(api: Api, path: str, **body: Any) -> Response:
    """Post what an admin key may."""
    return await api.call("POST", f"{PATH}/{path}", ADMIN, json=body)
