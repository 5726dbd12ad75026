"""Reading sessions: who may know of one, and lists that miss and repeat nothing."""

import base64
from datetime import timedelta
from itertools import chain
from typing import Any

import pytest
from bson import ObjectId

from service.core.clock import ManualClock
from service.core.principal import Kind
from service.storage.database import Database
from tests.sessions.asking import (
    PAYMENTS,
    fields_of,
    key_of_another_merchant,
    open_as_browser,
    payment_body,
    problem,
    put_price,
    token_of,
)
from tests.support.api import ADMIN, JOBS, PUBLISHABLE, SECRET, Api


async def test_both_ways_to_read_give_the_same(api: Api) -> None:
    session = await api.open()
    session_id = session["sessionId"]
    by_path = await api.call("GET", f"{PAYMENTS}/{session_id}")
    by_query = await api.call("GET", PAYMENTS, params={"sessionId": session_id})
    assert by_path.json() == by_query.json() == {"session": session}
    by_admin = await api.call("GET", f"{PAYMENTS}/{session_id}", ADMIN)
    assert by_admin.json() == {"session": session}


async def test_what_is_not_there_and_what_is_not_yours_look_the_same(
    api: Api, clock: ManualClock
) -> None:
    await put_price(api, "event_456", 1000, "INR")
    session, secret = await open_as_browser(api, PAYMENTS, payment_body())
    path = f"{PAYMENTS}/{session['sessionId']}"
    strangers: list[tuple[str, dict[str, str]]] = [
        (PUBLISHABLE, {}),
        (PUBLISHABLE, {"X-Client-Secret": secret["X-Client-Secret"] + "x"}),
        (PUBLISHABLE, {"X-Client-Secret": ""}),
        (token_of("user_124", clock), {}),
        (token_of("user_123", clock), {}),  # whom the browser has named
        (await key_of_another_merchant(clock), {}),
        (await key_of_another_merchant(clock, Kind.PUBLISHABLE), secret),
        (await key_of_another_merchant(clock, Kind.ADMIN), {}),
    ]
    for key, headers in strangers:
        told = problem(await api.call("GET", path, key, headers=headers), 404, "session_not_found")
        missing = await api.call("GET", f"{PAYMENTS}/nothing", key, headers=headers)
        assert told["detail"].replace(session["sessionId"], "nothing") == missing.json()["detail"]
    own = await api.call("GET", path, PUBLISHABLE, headers=secret)
    assert own.json() == {"session": session}


async def test_without_a_key_there_is_nothing(api: Api) -> None:
    session = await api.open()
    path = f"{PAYMENTS}/{session['sessionId']}"
    problem(await api.call("GET", path, None), 401, "unauthenticated")
    problem(await api.call("GET", path, "sk_test_nobody_issued_this"), 401, "invalid_api_key")
    problem(await api.call("GET", path, JOBS), 403, "forbidden")


async def test_a_session_past_its_time_reads_as_expired_at_once(
    api: Api, database: Database, clock: ManualClock
) -> None:
    session = await api.open()
    clock.advance(timedelta(minutes=30) - timedelta(milliseconds=1))
    assert (await api.read(session["sessionId"]))["status"] == "pending"
    clock.advance(timedelta(milliseconds=1))
    assert (await api.read(session["sessionId"]))["status"] == "expired"
    stored = await database["sessions"].find_one({})
    assert stored is not None
    assert stored["status"] == "pending"  # a read writes nothing


async def _pages(api: Api, key: str = SECRET, **params: Any) -> list[list[str]]:
    pages = []
    cursor: dict[str, str] = {}
    while True:
        answer = await api.call("GET", PAYMENTS, key, params={**params, **cursor})
        assert answer.status_code == 200, answer.text
        body = answer.json()
        pages.append([session["sessionId"] for session in body["sessions"]])
        if body["nextCursor"] is None:
            return pages
        cursor = {"cursor": body["nextCursor"]}


async def test_a_list_is_newest_first_in_pages(api: Api, clock: ManualClock) -> None:
    for number in range(7):
        await api.open(sessionId=f"s-{number}")
        clock.advance(timedelta(seconds=1))
    await api.open(sessionId="theirs", userId="user_124")
    pages = await _pages(api, userId="user_123", limit=3)
    assert pages == [["s-6", "s-5", "s-4"], ["s-3", "s-2", "s-1"], ["s-0"]]
    assert await _pages(api, userId="user_123", limit=7) == [list(chain(*pages))]


async def test_sessions_of_one_millisecond_are_listed_once_each(api: Api) -> None:
    for number in range(7):
        await api.open(sessionId=f"s-{number}")
    pages = await _pages(api, userId="user_123", limit=2)
    assert sorted(chain(*pages)) == [f"s-{number}" for number in range(7)]


async def test_what_is_opened_meanwhile_moves_no_page(api: Api, clock: ManualClock) -> None:
    for number in range(4):
        await api.open(sessionId=f"s-{number}")
        clock.advance(timedelta(seconds=1))
    params = {"userId": "user_123", "limit": 2}
    first = (await api.call("GET", PAYMENTS, params=params)).json()
    await api.open(sessionId="newer")
    second = await api.call("GET", PAYMENTS, params={**params, "cursor": first["nextCursor"]})
    assert [session["sessionId"] for session in second.json()["sessions"]] == ["s-1", "s-0"]


async def test_status_counts_the_lazily_expired_as_expired(api: Api, clock: ManualClock) -> None:
    await api.open(sessionId="short", expiresAt="2026-11-21T12:01:00Z")
    await api.open(sessionId="long")
    clock.advance(timedelta(minutes=5))
    listed = await api.call("GET", PAYMENTS, params={"userId": "user_123", "status": "expired"})
    sessions = listed.json()["sessions"]
    assert [(one["sessionId"], one["status"]) for one in sessions] == [("short", "expired")]
    assert await _pages(api, userId="user_123", status="pending") == [["long"]]
    assert await _pages(api, userId="user_123", status="completed") == [[]]


async def test_a_list_leaves_the_history_out(api: Api) -> None:
    await api.open()
    listed = await api.call("GET", PAYMENTS, params={"userId": "user_123"})
    assert "history" not in listed.json()["sessions"][0]


async def test_a_user_lists_their_own_only(api: Api, clock: ManualClock) -> None:
    await api.open(sessionId="mine")
    await api.open(sessionId="theirs", userId="user_124")
    token = token_of("user_123", clock)
    assert await _pages(api, token) == [["mine"]]
    assert await _pages(api, token, userId="user_123") == [["mine"]]
    answer = await api.call("GET", PAYMENTS, token, params={"userId": "user_124"})
    problem(answer, 403, "change_not_allowed")


async def test_a_browser_lists_nothing(api: Api) -> None:
    await api.open()
    answer = await api.call("GET", PAYMENTS, PUBLISHABLE, params={"userId": "user_123"})
    assert answer.status_code == 403
    assert "user_123" not in answer.text


async def test_another_merchant_lists_none_of_ours(api: Api, clock: ManualClock) -> None:
    await api.open()
    assert await _pages(api, await key_of_another_merchant(clock), userId="user_123") == [[]]


@pytest.mark.parametrize(
    ("query", "field"),
    [
        ("userId=u&limit=0", "limit"),
        ("userId=u&limit=101", "limit"),
        ("userId=u&limit=-1", "limit"),
        ("userId=u&limit=ten", "limit"),
        ("userId=u&limit=1.5", "limit"),
        ("userId=u&limit=1&limit=2", "limit"),
        ("userId=u&userId=v", "userId"),
        ("userId[$gt]=", "userId[$gt]"),
        ("sessionId[$ne]=x", "sessionId[$ne]"),
        ("userId=u&statsu=expired", "statsu"),
        ("userId=u&status=expird", "status"),
        ("userId=u&status=", "status"),
        ("userId=u&cursor=", "cursor"),
        ("userId=u&cursor=%%%", "cursor"),
        ("userId=u&cursor=bm9uc2Vuc2U", "cursor"),
        ("userId=u&cursor=MTc5NTI2MjQwMDAwMDpvOng", "cursor"),
        ("userId=u&cursor=" + "A" * 300, "cursor"),
        ("userId=" + "u" * 300, "userId"),
        ("sessionId=s&userId=u", "sessionId"),
    ],
)
async def test_a_query_that_means_nothing_is_refused_by_name(
    api: Api, query: str, field: str
) -> None:
    answer = await api.call("GET", f"{PAYMENTS}?{query}")
    assert answer.status_code == 400, answer.text
    assert fields_of(answer) == {field}


async def test_a_cursor_of_another_list_skips_nothing_it_should_not(api: Api) -> None:
    """A cursor is a place in time, so a made up one is no more than another beginning."""
    await api.open()
    far = ObjectId("f" * 24)
    params = {"userId": "user_123", "cursor": _cursor(4102444800000, far)}
    answer = await api.call("GET", PAYMENTS, params=params)
    assert len(answer.json()["sessions"]) == 1


def _cursor(milliseconds: int, row_id: ObjectId) -> str:
    return base64.urlsafe_b64encode(f"{milliseconds}:o:{row_id}".encode()).rstrip(b"=").decode()
