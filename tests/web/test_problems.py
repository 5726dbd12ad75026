"""Errors on the wire: one shape, the right status, and nothing of our insides."""

from typing import Any

import pytest
import structlog
from httpx import AsyncClient
from pymongo.errors import AutoReconnect, OperationFailure

from service.core import errors
from service.core.errors import FieldProblem, TillgateError
from service.web.error_pages.codes import explained
from tests.web.app import SK, Seen, Teapot
from tests.web.conftest import SECRET

MEMBERS = ["type", "title", "status", "detail", "error", "details", "instance"]


def assert_problem(answer: Any, status: int, error: str) -> dict[str, Any]:
    """Check the shape of a problem and return its body."""
    assert answer.status_code == status, answer.text
    assert answer.headers["content-type"] == "application/problem+json"
    body: dict[str, Any] = answer.json()
    assert list(body)[:7] == MEMBERS
    assert (body["status"], body["error"]) == (status, error)
    kind = f"/errors/{error}" if error in explained() else "about:blank"
    assert body["type"] == kind
    assert body["detail"] == body["details"]
    return body


@pytest.mark.parametrize(
    ("error", "status", "code", "retry_after"),
    [
        (errors.InvalidInput("no"), 400, "invalid_request", None),
        (errors.MalformedBody("no"), 400, "malformed_body", None),
        (errors.SignatureRejected("stale", "no"), 400, "invalid_signature", None),
        (errors.Unauthenticated("no"), 401, "unauthenticated", None),
        (errors.Forbidden("no"), 403, "forbidden", None),
        (errors.NotFound("no", code="session_not_found"), 404, "session_not_found", None),
        (errors.Conflict("no", code="stale_version"), 409, "stale_version", None),
        (errors.Busy("no"), 409, "in_progress", "1"),
        (errors.Busy("no", retry_after=7), 409, "in_progress", "7"),
        (errors.PayloadDiffers("no"), 422, "idempotency_key_reused", None),
        (errors.TooManyRequests("no"), 429, "rate_limited", "60"),
        (errors.ProviderFailed("no"), 502, "provider_failed", None),
        (errors.ProviderUnreachable("no"), 504, "provider_unreachable", "2"),
        (errors.Unavailable("no"), 503, "unavailable", "2"),
        (AutoReconnect("gone"), 503, "unavailable", "2"),
    ],
)
async def test_each_error_has_its_status(
    http: AsyncClient, seen: Seen, error: Exception, status: int, code: str, retry_after: str | None
) -> None:
    seen.fail_with = error
    answer = await http.get("/api/fail")
    body = assert_problem(answer, status, code)
    assert body["instance"] == "/api/fail"
    assert answer.headers.get("retry-after") == retry_after
    assert ("www-authenticate" in answer.headers) is (status == 401)


@pytest.mark.parametrize(
    "error",
    [
        RuntimeError("the password is hunter2"),
        errors.Misconfigured("STRIPE_SECRET_KEY hunter2"),
        TillgateError("hunter2"),
        Teapot("hunter2"),
        OperationFailure("hunter2", 2),
        KeyError("hunter2"),
    ],
)
async def test_the_unexpected_is_logged_here_and_not_told_there(
    http: AsyncClient, seen: Seen, error: Exception
) -> None:
    seen.fail_with = error
    with structlog.testing.capture_logs() as logs:
        answer = await http.get("/api/fail", headers={"X-Request-Id": "req-1"})
    assert_problem(answer, 500, "internal_error")
    assert "hunter2" not in answer.text
    assert answer.headers["x-request-id"] == "req-1"
    told = [entry for entry in logs if entry["log_level"] == "error"]
    assert len(told) == 1
    assert told[0]["exc_info"] is error


async def test_fields_at_fault_are_listed(http: AsyncClient, seen: Seen) -> None:
    problem = FieldProblem("lines[2].amount", "is wrong")
    seen.fail_with = errors.InvalidInput("no", problems=(problem,) * 80)
    body = (await http.get("/api/fail")).json()
    assert body["errors"][0] == {"field": "lines[2].amount", "message": "is wrong"}
    assert len(body["errors"]) == 50


async def test_an_unknown_address_is_a_problem(http: AsyncClient) -> None:
    answer = await http.get("/api/nothing%20here/ü?secret=1")
    body = assert_problem(answer, 404, "not_found")
    assert body["instance"] == "/api/nothing%20here/%C3%BC"


async def test_a_wrong_method_lists_the_right_ones(http: AsyncClient) -> None:
    answer = await http.put("/api/orders", json={})
    assert_problem(answer, 405, "method_not_allowed")
    assert set(answer.headers["allow"].split(", ")) == {"GET", "OPTIONS", "POST"}


@pytest.mark.parametrize("size", [257_000, 257 * 1024, 5_000_000])
async def test_a_body_that_is_too_large_is_refused(http: AsyncClient, size: int) -> None:
    answer = await http.post("/api/orders", content=b" " * size, headers=SECRET)
    assert_problem(answer, 413, "body_too_large")


async def test_a_body_that_is_too_large_is_refused_before_its_key_is_claimed(
    http: AsyncClient, seen: Seen
) -> None:
    headers = {**SECRET, "Idempotency-Key": "large"}

    async def chunks() -> Any:
        for _ in range(300):
            yield b" " * 1000

    answer = await http.post("/api/orders", content=chunks(), headers=headers)
    assert_problem(answer, 413, "body_too_large")
    assert (await http.post("/api/orders", json={"amount": 1}, headers=headers)).status_code == 201


async def test_a_body_of_the_largest_size_is_read(http: AsyncClient) -> None:
    answer = await http.post("/api/hooks/stripe", content=b" " * 256_000)
    assert answer.json() == {"bytes": 256_000}


async def test_a_client_that_goes_away_in_the_middle_is_no_failure_of_ours(
    http: AsyncClient, seen: Seen
) -> None:
    messages: list[Any] = []
    received = iter(
        [
            {"type": "http.request", "body": b'{"amount"', "more_body": True},
            {"type": "http.disconnect"},
        ]
    )

    async def receive() -> Any:
        return next(received)

    async def send(message: Any) -> None:
        messages.append(message)

    scope = {
        "type": "http",
        "method": "POST",
        "path": "/api/orders",
        "query_string": b"",
        "headers": [(b"x-api-key", SK.encode())],
        "client": ("127.0.0.1", 1),
    }
    await http._transport.app(scope, receive, send)  # type: ignore[attr-defined]
    assert messages[0]["status"] == 400
    assert not seen.orders
