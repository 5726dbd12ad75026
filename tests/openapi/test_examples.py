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
from tillgate_sandbox.playing import happen
from tillgate_sandbox.states import Happening

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


# The only examples that are answered by 404: the code, what would have to be there, and of which
# operations. Each of these things gets its name from the service or a provider.
_NOT_THERE: dict[str, tuple[str, set[str]]] = {
    "alert_not_found": ("a condition that holds", {"closeAlert"}),
    "delivery_not_found": ("a message that a subscriber did not take", {"redeliver"}),
    "dispute_not_found": ("a customer's bank takes money back", {"readDispute", "gatherEvidence"}),
    "endpoint_not_found": (
        "an endpoint: each is added under a new id",
        {"readEndpoint", "changeEndpoint", "removeEndpoint", "testEndpoint", "rotateSecret"}
        | {"listSentEvents", "resendEvents"},
    ),
    "event_not_found": ("the id of a provider's event", {"readPayload", "replayWebhookEvent"}),
    "intent_not_found": ("a lead: each gets a new id", {"deleteLead"}),
    "mail_not_found": ("a mail that was sent", {"resendMail"}),
    "payment_not_found": ("an id of the payment itself, not of its session", {"refundPayment"}),
    "recovery_not_found": (
        "a session that was left an hour ago, and nobody has paid",
        {"previewReminder", "sendReminder"},
    ),
    "refund_not_found": ("a refund: each gets a new id", {"readRefund", "processRefund"}),
    "review_not_found": (
        "a payment that differs from its session",
        {"acceptReview", "rejectReview", "rejectAndRefund", "takeSameMoney"},
    ),
    "subscription_not_found": (
        "a subscription at a provider",
        {"readSubscription", "cancelSubscription", "changePlan", "reactivateSubscription"},
    ),
}

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


async def _pay(lab: Lab) -> None:
    """Pay for what the first example opens, as somebody does who reads on."""
    body = {"sessionId": "docs-1"}
    opened = (await lab.api.call("POST", "/api/payments/create-checkout", json=body)).json()
    checkout = await lab.checkout(opened["providerSessionId"])
    await happen(checkout, Happening.PAID, lab.sandbox)
    assert await lab.deliver() > 0


async def test_every_example_is_answered_as_the_document_says(
    lab: Lab, document: dict[str, Any]
) -> None:
    """2xx, but for the table: what has no name before the service or a provider gives it one."""
    wrong, sent = [], 0
    paid = False
    nothing_there = {name: code for code, (_, names) in _NOT_THERE.items() for name in names}
    for method, path, operation in _operations(document):
        name = operation["operationId"]
        if name in _NEVER | _UNSIGNED:
            continue
        if not paid and name not in _FIRST:
            await _pay(lab)
            paid = True
        filled, _ = _path(path, operation)
        answer = await _send(lab, method, filled, operation)
        documented = {status for status in operation["responses"] if status.startswith("2")}
        code = answer.json()["error"] if answer.status_code >= 400 else None
        sent += 1
        if code != nothing_there.pop(name, None) or (
            code is None and str(answer.status_code) not in documented
        ):
            wrong.append(f"{name}, {method} {filled}: {answer.status_code} {answer.text[:300]}")
    assert not wrong, "\n".join(wrong)
    assert nothing_there == {}, "the table names operations that there are not"
    assert sent > 80


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
