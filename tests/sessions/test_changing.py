"""Changing sessions: merged, guarded by version, moved only where the table has a move."""

import asyncio
from datetime import timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from service.core.clock import ManualClock
from service.sessions.operations.changing.merge import merge_metadata, merge_patch
from service.sessions.states import BY_HAND, Status
from service.storage.database import Database
from tests.sessions.asking import (
    PAYMENTS,
    change,
    fields_of,
    open_as_browser,
    payment_body,
    problem,
    put_price,
    token_of,
)
from tests.support.api import ADMIN, PUBLISHABLE, Api

_TICKET = payment_body()["sessionId"]


async def _open(api: Api, **changes: Any) -> dict[str, Any]:
    answer = await api.call("POST", PAYMENTS, json=payment_body(**changes))
    assert answer.status_code == 201, answer.text
    session: dict[str, Any] = answer.json()["session"]
    return session


async def test_the_reference_documents_own_update_settles_the_session(
    api: Api, database: Database
) -> None:
    await _open(api)
    body = {
        "sessionId": _TICKET,
        "status": "completed",
        "metadata": {"ticketIds": ["ticket_1", "ticket_2"]},
    }
    answer = await api.call("PUT", PAYMENTS, json=body)
    assert answer.status_code == 200
    session = answer.json()["session"]
    assert session["status"] == "completed"
    assert session["metadata"] == {
        "orderId": "phonepe_order_123",
        "ticketIds": ["ticket_1", "ticket_2"],
    }
    assert session["completedAt"] == "2026-11-21T12:00:00Z"
    assert session["providerPaymentId"] == f"hand:default:{_TICKET}"
    ledger = await database["payments"].find({}).to_list()
    assert [(row["providerPaymentId"], row["amount"], row["status"]) for row in ledger] == [
        (f"hand:default:{_TICKET}", 1000, "succeeded")
    ]
    trail = await api.call("GET", "/api/admin/audit", ADMIN)
    entry = trail.json()["entries"][0]
    assert (entry["actor"], entry["action"]) == ("secret:server", "session.settled_by_hand")
    assert entry["object"] == f"session:{_TICKET}"
    assert await database["outbox"].count_documents({"topic": "session.completed"}) == 1


async def test_settling_twice_is_settling_once(api: Api, database: Database) -> None:
    await _open(api)
    answers = await asyncio.gather(
        *(change(api, sessionId=_TICKET, status="completed") for _ in range(10))
    )
    assert {answer.status_code for answer in answers} <= {200, 409}
    assert (await change(api, sessionId=_TICKET, status="completed")).status_code == 200
    assert await database["payments"].count_documents({}) == 1
    assert await database["audit_log"].count_documents({}) == 1
    assert (await api.read(_TICKET))["version"] == 2


async def test_a_settlement_keeps_the_payment_and_the_reason(api: Api, database: Database) -> None:
    await _open(api)
    answer = await change(
        api,
        sessionId=_TICKET,
        status="completed",
        providerPaymentId="UTR206378866112",
        reason="seen on the bank statement",
    )
    session = answer.json()["session"]
    assert session["providerPaymentId"] == f"hand:default:{_TICKET}"
    [row] = await database["payments"].find({}).to_list()
    assert row["aliases"] == ["UTR206378866112"]
    assert session["history"][-1]["reason"] == "seen on the bank statement"
    entry = await database["audit_log"].find_one({})
    assert entry is not None
    assert entry["reason"] == "seen on the bank statement"
    assert entry["detail"]["named"] == "UTR206378866112"


async def test_one_bank_transfer_may_settle_several_sessions(api: Api, database: Database) -> None:
    await _open(api)
    await _open(api, sessionId="other")
    settled = {"status": "completed", "providerPaymentId": "UTR1"}
    for session_id in (_TICKET, "other"):
        assert (await change(api, sessionId=session_id, **settled)).status_code == 200
    rows = await database["payments"].find({}).sort("_id", 1).to_list()
    assert [(row["providerPaymentId"], row["aliases"]) for row in rows] == [
        (f"hand:default:{_TICKET}", ["UTR1"]),
        ("hand:default:other", ["UTR1"]),
    ]


async def test_a_late_settlement_says_so(api: Api, clock: ManualClock) -> None:
    await _open(api)
    clock.advance(timedelta(hours=1))
    session = (await change(api, sessionId=_TICKET, status="completed")).json()["session"]
    assert session["late"] is True
    assert [move["to"] for move in session["history"]] == ["pending", "expired", "completed"]


@pytest.mark.parametrize("status", ["completed", "failed", "processing", "expired", "pending"])
async def test_a_browser_settles_nothing(
    api: Api, database: Database, clock: ManualClock, status: str
) -> None:
    await put_price(api, "event_456", 1000, "INR")
    _, secret = await open_as_browser(api, PAYMENTS, payment_body(metadata=None))
    for key, headers in ((PUBLISHABLE, secret), (token_of("user_123", clock), {})):
        answer = await change(api, key, sessionId=_TICKET, status=status, headers=headers)
        problem(answer, 403, "change_not_allowed")
        paid = {"status": "canceled", "providerPaymentId": "pi_1"}
        answer = await change(api, key, sessionId=_TICKET, headers=headers, **paid)
        problem(answer, 403, "change_not_allowed")
    assert (await api.read(_TICKET))["version"] == 1
    assert await database["payments"].count_documents({}) == 0


async def test_a_browser_cancels_and_adds_metadata_with_its_secret(
    api: Api, clock: ManualClock
) -> None:
    await put_price(api, "event_456", 1000, "INR")
    _, secret = await open_as_browser(api, PAYMENTS, payment_body(metadata={"seat": 1}))
    problem(
        await change(api, PUBLISHABLE, sessionId=_TICKET, status="canceled"),
        404,
        "session_not_found",
    )
    problem(
        await change(api, token_of("user_9", clock), sessionId=_TICKET, status="canceled"),
        404,
        "session_not_found",
    )
    added = await change(
        api, PUBLISHABLE, sessionId=_TICKET, metadata={"row": 2, "seat": None}, headers=secret
    )
    assert added.json()["session"]["metadata"] == {"row": 2}
    canceled = await change(api, PUBLISHABLE, sessionId=_TICKET, status="canceled", headers=secret)
    assert canceled.json()["session"]["status"] == "canceled"
    again = await change(api, PUBLISHABLE, sessionId=_TICKET, status="canceled", headers=secret)
    assert again.status_code == 200


async def test_a_browser_can_not_replace_what_a_server_wrote(api: Api) -> None:
    await put_price(api, "event_456", 1000, "INR")
    _, secret = await open_as_browser(api, PAYMENTS, payment_body(metadata={"seat": 1}))
    await change(api, sessionId=_TICKET, metadata={"vip": True})
    for patch in ({"vip": False}, {"vip": None}, {"seat": 2, "vip": {"deep": 1}}):
        answer = await change(api, PUBLISHABLE, sessionId=_TICKET, metadata=patch, headers=secret)
        problem(answer, 403, "change_not_allowed")
    assert (await api.read(_TICKET))["metadata"] == {"seat": 1, "vip": True}
    # Taken away by the server, the key is anybody's again.
    await change(api, sessionId=_TICKET, metadata={"vip": None})
    answer = await change(api, PUBLISHABLE, sessionId=_TICKET, metadata={"vip": 1}, headers=secret)
    assert answer.status_code == 200


async def test_a_stale_version_changes_nothing(api: Api) -> None:
    await _open(api)
    assert (await change(api, sessionId=_TICKET, metadata={"a": 1}, version=1)).status_code == 200
    for stale in ({"metadata": {"a": 2}}, {"status": "canceled"}, {"status": "completed"}):
        answer = await change(api, sessionId=_TICKET, version=1, **stale)
        problem(answer, 409, "stale_version")
        assert fields_of(answer) == {"version"}
    session = await api.read(_TICKET)
    assert (session["metadata"]["a"], session["version"]) == (1, 2)


async def test_concurrent_merges_lose_nothing(api: Api) -> None:
    await _open(api, metadata={})
    keys = [f"k{number}" for number in range(12)]
    waiting = set(keys)
    while waiting:
        answers = await asyncio.gather(
            *(change(api, sessionId=_TICKET, metadata={key: 1}) for key in sorted(waiting))
        )
        done = zip(sorted(waiting), answers, strict=True)
        waiting -= {key for key, answer in done if answer.status_code == 200}
        assert {answer.status_code for answer in answers} <= {200, 409}
    assert set((await api.read(_TICKET))["metadata"]) == set(keys)


async def test_of_concurrent_changes_of_one_version_one_wins(api: Api) -> None:
    await _open(api)
    answers = await asyncio.gather(
        *(change(api, sessionId=_TICKET, metadata={"a": n}, version=1) for n in range(10))
    )
    assert sorted(answer.status_code for answer in answers) == [200] + [409] * 9


async def test_metadata_does_not_grow_without_end(api: Api) -> None:
    await _open(api, metadata={f"k{n}": 1 for n in range(50)})
    answer = await change(api, sessionId=_TICKET, metadata={"one-more": 1})
    problem(answer, 400, "invalid_request")
    assert fields_of(answer) == {"metadata"}
    big = {"k1": "x" * 15_000}
    assert (await change(api, sessionId=_TICKET, metadata=big)).status_code == 200
    answer = await change(api, sessionId=_TICKET, metadata={"k2": "x" * 15_000})
    problem(answer, 400, "invalid_request")


_HOW = {
    Status.PENDING: [],
    Status.PROCESSING: ["processing"],
    Status.COMPLETED: ["completed"],
    Status.FAILED: ["failed"],
    Status.EXPIRED: ["expired"],
    Status.CANCELED: ["canceled"],
}


@pytest.mark.parametrize("start", list(Status))
async def test_every_move_that_is_not_in_the_table_is_a_conflict(
    api: Api, database: Database, start: Status
) -> None:
    for target in set(Status) - {start}:
        session_id = f"{start}-{target}"
        await api.open(sessionId=session_id)
        for status in _HOW[start]:
            assert (await change(api, sessionId=session_id, status=status)).status_code == 200
        before = await api.read(session_id)
        answer = await change(api, sessionId=session_id, status=target.value)
        if target in BY_HAND[start]:
            assert answer.json()["session"]["status"] == target
        else:
            problem(answer, 409, "illegal_move")
            assert await api.read(session_id) == before


async def test_a_retry_by_hand_gives_new_time_and_keeps_the_session(
    api: Api, database: Database, clock: ManualClock
) -> None:
    await _open(api)
    clock.advance(timedelta(hours=2))
    session = (await change(api, sessionId=_TICKET, status="pending")).json()["session"]
    assert session["status"] == "pending"
    assert session["expiresAt"] == "2026-11-21T14:30:00Z"
    assert session["attempts"] == 0  # no checkout was opened
    stored = await database["sessions"].find_one({})
    assert stored is not None
    assert stored["purgeAt"] is None


@pytest.mark.parametrize(
    ("status", "days"), [("canceled", 7), ("failed", 7), ("expired", 7), ("completed", 90)]
)
async def test_every_end_sets_when_the_session_may_be_deleted(
    api: Api, database: Database, clock: ManualClock, status: str, days: int
) -> None:
    await _open(api)
    await change(api, sessionId=_TICKET, status=status)
    stored = await database["sessions"].find_one({})
    assert stored is not None
    assert stored["purgeAt"] == clock.now() + timedelta(days=days)


_JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-9, 9) | st.text(max_size=3),
    lambda inner: st.lists(inner, max_size=2) | st.dictionaries(st.text(max_size=2), inner),
    max_leaves=8,
)
_OBJECTS = st.dictionaries(st.sampled_from("abc"), _JSON)


@given(target=_OBJECTS, patch=_OBJECTS)
def test_a_merge_patch_follows_rfc_7396(target: dict[str, Any], patch: dict[str, Any]) -> None:
    merged = merge_patch(target, patch)
    assert merge_patch(merged, patch) == merged  # the same patch twice changes nothing more
    assert isinstance(merged, dict)
    for key, value in patch.items():
        assert (key in merged) == (value is not None)
    assert {key: value for key, value in merged.items() if key not in patch} == {
        key: value for key, value in target.items() if key not in patch
    }


@pytest.mark.parametrize(
    ("target", "patch", "merged"),
    [  # RFC 7396, appendix A
        ({"a": "b"}, {"a": "c"}, {"a": "c"}),
        ({"a": "b"}, {"b": "c"}, {"a": "b", "b": "c"}),
        ({"a": "b", "b": "c"}, {"a": None}, {"b": "c"}),
        ({"a": {"b": "c"}}, {"a": {"b": "d", "c": None}}, {"a": {"b": "d"}}),
        ({"a": [{"b": "c"}]}, {"a": [1]}, {"a": [1]}),
        ({"e": None}, {"a": 1}, {"e": None, "a": 1}),
        ({}, {"a": {"bb": {"ccc": None}}}, {"a": {"bb": {}}}),
    ],
)
def test_the_examples_of_rfc_7396(
    target: dict[str, Any], patch: dict[str, Any], merged: dict[str, Any]
) -> None:
    assert merge_metadata(target, [], patch, trusted=True)[0] == merged
