"""Every example of the OpenAPI document is sent as /docs fills it in, and answered as it says."""

import re
from collections.abc import AsyncIterator, Iterator
from typing import Any

import pytest_asyncio
from httpx import Response

from service.core.clock import SystemClock
from service.core.principal import Kind, Principal
from service.storage.database import Database
from tests.sandbox.lab import Lab, running_lab
from tests.support.api import ADMIN, JOBS, SECRET
from tillgate_sandbox.demo_prices import put_demo_prices

_NAMELESS = "docs-unknown"
"""Stands where the document has no example: of what only the service or a provider can name."""

# In this order: a session is opened before it is read or changed, and nothing is removed before it
# was tried. The stream of events never ends (tests/notifications/test_stream.py).
_FIRST = (
    "openPaymentSession",
    "openCheckoutSession",
    "setPrice",
    "setCoupon",
    "setMerchant",
    "noteBounce",
    "addEndpoint",
)
_LAST = ("removePrice", "removeCoupon", "resetMailTemplate", "liftSuppression")
_NEVER = {"streamEvents"}
# A provider's signature is no example: it is over the body and the moment.
_UNSIGNED = {"receiveWebhook", "receiveStripeWebhookOlder", "receiveStripeWebhookOlder2"}


@pytest_asyncio.fixture
async def lab(database: Database) -> AsyncIterator[Lab]:
    """The service as `tillgate dev` starts it: with the sandbox, and its prices."""
    clock = SystemClock()
    async with running_lab(database, clock) as running:
        await put_demo_prices(Principal(Kind.ADMIN, "default", "0" * 12, "dev"), clock.now())
        yield running


@pytest_asyncio.fixture
async def document(lab: Lab) -> dict[str, Any]:
    """The document that it serves."""
    answer: dict[str, Any] = (await lab.api.http.get("/openapi.json")).json()
    return answer


def _operations(document: dict[str, Any]) -> Iterator[tuple[str, str, dict[str, Any]]]:
    """Yield method, path and operation in the order in which they can be tried."""
    found = [
        (method, path, operation)
        for path, methods in document["paths"].items()
        for method, operation in methods.items()
    ]

    def place(one: tuple[str, str, dict[str, Any]]) -> int:
        name = one[2]["operationId"]
        return 0 if name in _FIRST else 2 if name in _LAST else 1

    yield from sorted(found, key=place)


def _path(path: str, operation: dict[str, Any]) -> tuple[str, bool]:
    """Return a path as it is filled in, and whether all of it is by examples."""
    named = {
        one["name"]: one["schema"].get("examples", [None])[0]
        for one in operation.get("parameters", [])
        if one["in"] == "path"
    }
    filled = re.sub(r"\{(\w+)\}", lambda found: named[found[1]] or _NAMELESS, path)
    return filled, None not in named.values()


def _key(operation: dict[str, Any], path: str) -> str:
    """Return a key that may: the scopes stand in the document."""
    if path.startswith(("/api/jobs", "/api/cleanup")):
        return JOBS
    scopes = {scope for one in operation.get("security", []) for scope in one.get("bearer", [])}
    of_servers = {"sessions:write", "subscriptions:write", "refunds:request"}
    return SECRET if scopes & of_servers else ADMIN


# What deletes asks for a yes, which is nobody's example.
_CONFIRMED = {"deleteEarlierLeads": {"confirm": "yes"}}


async def _send(lab: Lab, method: str, path: str, operation: dict[str, Any]) -> Response:
    sent: dict[str, Any] = {}
    content = operation.get("requestBody", {}).get("content", {}).get("application/json")
    if content is not None and "example" in content:
        sent["json"] = content["example"]
    sent["params"] = {
        one["name"]: one["schema"]["examples"][0]
        for one in operation.get("parameters", [])
        if one["in"] == "query" and one["schema"].get("examples")
    }
    sent["params"] |= _CONFIRMED.get(operation["operationId"], {})
    return await lab.api.call(method.upper(), path, _key(operation, path), **sent)


async def test_every_example_is_answered_as_the_document_says(
    lab: Lab, document: dict[str, Any]
) -> None:
    """What names nothing that is there is a 404; nothing is refused for its form."""
    refused, sent = [], 0
    for method, path, operation in _operations(document):
        name = operation["operationId"]
        if name in _NEVER | _UNSIGNED:
            continue
        filled, exists = _path(path, operation)
        answer = await _send(lab, method, filled, operation)
        documented = {int(status) for status in operation["responses"] if status.isdigit()}
        names_another = "docs1" in answer.request.content.decode() or name in _OF_WHAT_CAME
        wanted = documented - {400} if exists and not names_another else {404}
        sent += 1
        if answer.status_code not in wanted:
            refused.append(f"{method} {filled}: {answer.status_code} {answer.text[:300]}")
    assert not refused, "\n".join(refused)
    assert sent > 80


# These need money that came, or a thing of which only the service makes the name.
_OF_WHAT_CAME = {"requestRefund", "processRefund", "previewReminder", "sendReminder"}


async def test_every_body_has_an_example(document: dict[str, Any]) -> None:
    for _, path, operation in _operations(document):
        if "requestBody" in operation and operation["operationId"] not in _UNSIGNED:
            assert operation["requestBody"]["content"]["application/json"]["example"], path


async def test_control_an_example_that_is_wrong_is_found(
    lab: Lab, document: dict[str, Any]
) -> None:
    operation = document["paths"]["/api/payment-sessions"]["post"]
    content = operation["requestBody"]["content"]["application/json"]
    del content["example"]["provider"]
    answer = await _send(lab, "post", "/api/payment-sessions", operation)
    assert answer.status_code == 400
    assert [one["field"] for one in answer.json()["errors"]] == ["provider"]
    content["example"]["paymentMethod"] = "stripe"
    assert (await _send(lab, "post", "/api/payment-sessions", operation)).status_code == 201
