"""Whatever a server says that can't answer now is 503 with `Retry-After`, never a 500."""

import asyncio

import pytest
from httpx import Response
from pymongo.errors import OperationFailure, WriteError
from structlog.testing import capture_logs

from service.storage import answering
from service.storage.answering import NO_ANSWER_CODES, is_no_answer
from service.storage.database import Client
from tests.sessions.asking import payment_body
from tests.storage.failing import EVERYTHING, failing
from tests.support.api import Api
from tests.support.events import Delivery, stripe_checkout, stripe_event
from tests.support.limits import hastily

# A code of each kind: the driver has a class for it, tries again by itself, or knows nothing of it.
_ASKED = [6, 50, 64, 91, 112, 133]


async def _create_read_and_webhook(api: Api, client: Client, code: int) -> list[Response]:
    session = await api.open(sessionId="s-1")
    signed_at = int(api.container.clock.now().timestamp())
    paid = stripe_event("checkout.session.completed", stripe_checkout(session), signed_at=signed_at)
    # Captured, and so not written: a traceback with all its locals takes longer than the rest.
    async with failing(client, EVERYTHING, errorCode=code):
        # Who says no at once need not be asked for three seconds.
        with capture_logs(), hastily():
            return await _three(api, paid)


async def _three(api: Api, paid: Delivery) -> list[Response]:
    return await asyncio.gather(
        api.call("POST", "/api/payment-sessions", json=payment_body(sessionId="s-2")),
        api.call("GET", "/api/payment-sessions/s-1"),
        api.deliver(paid),
    )


@pytest.mark.parametrize("code", _ASKED)
async def test_create_read_and_webhook_are_503_with_retry_after(
    api: Api, client: Client, code: int
) -> None:
    answers = await _create_read_and_webhook(api, client, code)
    assert [answer.status_code for answer in answers] == [503, 503, 503]
    assert [answer.json()["error"] for answer in answers] == ["unavailable"] * 3
    assert all(int(answer.headers["retry-after"]) >= 1 for answer in answers)
    assert (await api.read("s-1"))["version"] == 1


async def test_control_without_its_code_such_an_answer_is_our_own_fault(
    api: Api, client: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(answering, "NO_ANSWER_CODES", frozenset())
    answers = await _create_read_and_webhook(api, client, 64)
    assert [answer.status_code for answer in answers[:2]] == [500, 500]


@pytest.mark.parametrize("code", sorted(NO_ANSWER_CODES))
def test_no_code_depends_on_where_in_an_answer_it_stands(code: int) -> None:
    assert is_no_answer(OperationFailure("", code))
    assert is_no_answer(WriteError("", code))


@pytest.mark.parametrize("code", [2, 9, 13, 66, 121, 11000])
def test_a_refusal_is_an_answer(code: int) -> None:
    assert not is_no_answer(OperationFailure("", code))
    assert not is_no_answer(WriteError("", code))
