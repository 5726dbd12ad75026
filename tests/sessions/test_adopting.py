"""get-or-create by a server that names a checkout: adopted, refused, never dropped."""

from typing import Any

import pytest
from httpx import Response

from service.core.clock import ManualClock
from service.sessions.documents import Session
from service.sessions.operations.opening import adopt_checkout, existing
from service.storage.database import Database
from tests.sessions.asking import CHECKOUTS, checkout_body, problem
from tests.support.api import Api
from tests.support.events import stripe_checkout, stripe_event


async def _ask(api: Api, ref: str | None, **more: Any) -> Response:
    return await api.call("POST", CHECKOUTS, json=checkout_body(providerSessionId=ref, **more))


async def test_a_checkout_that_a_server_names_later_is_adopted(
    api: Api, database: Database
) -> None:
    first = (await _ask(api, None)).json()["session"]
    for _ in range(2):  # and the same call again is the same
        answer = await _ask(api, "cs_test_1")
        assert answer.status_code == 200, answer.text
        assert answer.json()["session"]["sessionId"] == first["sessionId"]
        assert answer.json()["session"]["providerSessionId"] == "cs_test_1"
    stored = await database["sessions"].find_one({})
    assert stored is not None
    assert stored["checkoutIds"] == ["cs_test_1"]
    assert [(one["ref"], one["n"]) for one in stored["checkouts"]] == [("cs_test_1", 0)]


async def test_a_second_checkout_of_one_session_is_refused_and_said_so(api: Api) -> None:
    assert (await _ask(api, "cs_test_1")).status_code == 201
    refused = problem(await _ask(api, "cs_test_2"), 409, "open_session_differs")
    assert "cs_test_1" in refused["detail"]
    assert (await _ask(api, "cs_test_1")).status_code == 200


async def test_control_unless_it_is_adopted_or_refused_it_is_dropped_without_a_word(
    api: Api, database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def as_it_is(session: Session, *_: object) -> Session:
        return session

    monkeypatch.setattr(existing, "adopt_checkout", as_it_is)
    assert (await _ask(api, "cs_test_1")).status_code == 201
    assert (await _ask(api, "cs_test_2")).status_code == 200
    assert await database["sessions"].distinct("checkoutIds") == ["cs_test_1"]


async def test_a_checkout_of_another_session_is_refused(api: Api) -> None:
    assert (await _ask(api, "cs_test_1")).status_code == 201
    problem(await _ask(api, "cs_test_1", userId="another"), 409, "checkout_taken")
    assert (await _ask(api, None, userId="another")).status_code == 201
    problem(await _ask(api, "cs_test_1", userId="another"), 409, "checkout_taken")


async def _tell(api: Api, clock: ManualClock, kind: str, session: dict[str, Any]) -> str:
    """Tell of a payment in a checkout that a server opened and has not named."""
    fields = {"payment_status": "unpaid"} if kind == "completed" else {}
    found = stripe_checkout(session, id="cs_test_1", **fields)
    at = int(clock.now().timestamp())
    event = stripe_event(f"checkout.session.{kind}", found, created=at, signed_at=at)
    return str((await api.told(event))["outcome"])


async def _being_paid(api: Api, clock: ManualClock) -> dict[str, Any]:
    session: dict[str, Any] = (await _ask(api, None)).json()["session"]
    assert await _tell(api, clock, "completed", session) == "processed"
    assert (await api.read(session["sessionId"]))["status"] == "processing"
    return session


@pytest.mark.parametrize("named", ["cs_test_1", None])
async def test_what_is_being_paid_in_one_checkout_adopts_no_other(
    api: Api, clock: ManualClock, named: str | None
) -> None:
    session = await _being_paid(api, clock)
    refused = problem(await _ask(api, "cs_test_2"), 409, "open_session_differs")
    assert "cs_test_1" in refused["detail"]
    assert (await _ask(api, named)).status_code == 200
    assert await _tell(api, clock, "async_payment_succeeded", session) == "processed"
    assert (await api.read(session["sessionId"]))["status"] == "completed"


async def test_control_without_the_look_its_own_money_is_of_a_foreign_checkout(
    api: Api, clock: ManualClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def pass_by(*_: object) -> None:
        return None

    monkeypatch.setattr(adopt_checkout, "_check_not_paid_elsewhere", pass_by)
    session = await _being_paid(api, clock)
    assert (await _ask(api, "cs_test_2")).status_code == 200
    assert await _tell(api, clock, "async_payment_succeeded", session) == "review"
    stored = await api.read(session["sessionId"])
    assert stored["review"]["reason"] == "foreign_checkout"
