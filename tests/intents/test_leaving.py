"""Leads are kept as they were written, whoever sends them, and are nobody's money."""

import asyncio
import json
from datetime import timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from service.core.clock import ManualClock
from service.core.money import LARGEST_AMOUNT
from service.intents.operations.leave import email_hash
from service.intents.states import minor_units
from service.storage.database import Database
from tests.intents.leaving import PATH, leave, post
from tests.support.api import ADMIN, JOBS, PUBLISHABLE, SECRET, Api

OWN = {"Sec-Fetch-Site": "same-origin"}


async def _rows(database: Database) -> list[dict[str, Any]]:
    return await database["payment_intents"].find({}).sort("_id", 1).to_list()


async def test_the_answer_has_the_shape_of_the_reference_document(api: Api) -> None:
    sent = {
        "planName": "Premium Plan",
        "amount": "29.99",
        "userEmail": "user@example.com",
        "userAgent": "Mozilla/5.0...",
        "timestamp": "2023-12-01T10:30:00Z",
        "feedback": "Interested in premium features",
    }
    answer = await api.call("POST", PATH, PUBLISHABLE, json=sent)
    assert answer.status_code == 201
    told = answer.json()
    data = told["data"]
    assert list(told) == ["code", "message", "data"]
    assert (told["code"], told["message"]) == (0, "ok")
    assert data | {"paymentIntentId": "", "sessionId": ""} == {
        "tracked": True,
        "paymentIntentId": "",
        "timestamp": "2023-12-01T10:30:00Z",
        "persisted": True,
        "emailSent": False,
        "emailMessage": "nobody is set to be told of leads",
        "sessionId": "",
    }
    assert data["paymentIntentId"]
    assert data["sessionId"]


async def test_a_lead_is_kept_as_it_was_written(
    api: Api, database: Database, clock: ManualClock
) -> None:
    left = await leave(
        api,
        userEmail="Ada@Example.com",
        userAgent="Browser",
        mailConsent=True,
        consentText="mail-v2",
        locale="en-IN",
        timeZone="Asia/Kolkata",
    )
    [row] = await _rows(database)
    pepper = api.container.intents.peppers[0]
    assert row["_id"] == left["paymentIntentId"]
    assert (row["amount"], row["amountMinor"], row["currency"]) == ("29.99", 2999, "USD")
    assert row["userEmail"] == "Ada@Example.com"
    assert row["userEmailHash"] == email_hash(pepper, "default", "ada@example.com")
    assert (row["mailConsent"], row["consentText"]) == (True, "mail-v2")
    assert (row["locale"], row["timeZone"]) == ("en-IN", "Asia/Kolkata")
    assert row["purgeAt"] - row["createdAt"] == timedelta(days=365)
    assert row["deletableAt"] is None
    # The address is a keyed hash.
    assert row["ipAddress"] is None
    assert "127.0.0.1" not in json.dumps(row, default=str)
    assert row["client"]


@pytest.mark.parametrize(
    ("written", "text", "minor"),
    [
        ("29.990", "29.990", 2999),
        ('"29.990"', "29.990", 2999),
        ("0", "0", 0),
        ("1e2", "1e2", 10000),
        ("0.1", "0.1", 10),
        ("90071992547409.91", "90071992547409.91", LARGEST_AMOUNT),
        ("4503599627370.49", "4503599627370.49", 450359962737049),
    ],
)
async def test_an_amount_is_never_a_float(
    api: Api, database: Database, written: str, text: str, minor: int
) -> None:
    body = '{"planName":"p", "amount": ' + written + " }"
    answer = await api.call("POST", PATH, PUBLISHABLE, content=body)
    assert answer.status_code == 201, answer.text
    [row] = await _rows(database)
    assert (row["amount"], row["amountMinor"]) == (text, minor)


@pytest.mark.parametrize(
    "amount",
    [
        *("-1", "29.999", "1e-3", "NaN", "Infinity", "", " 1", "1 ", "1,50", "$5", "٣", "1_0"),
        *("90071992547409.92", "1e99", "0x10", True, [], {}, "9" * 17),
    ],
)
async def test_what_is_no_amount_is_refused_by_name(
    api: Api, database: Database, amount: object
) -> None:
    answer = await post(api, amount=amount)
    assert answer.status_code == 400
    assert "amount" in answer.json()["detail"]
    assert await _rows(database) == []


@given(st.integers(0, LARGEST_AMOUNT), st.sampled_from([0, 2, 3]))
def test_each_amount_of_a_currency_is_read_exactly(minor: int, places: int) -> None:
    whole, part = divmod(minor, 10**places)
    text = f"{whole}.{part:0{places}}" if places else str(whole)
    assert minor_units(text, places) == minor
    if places:
        # Control: a digit more is not rounded away.
        assert minor_units(f"{text}1", places) is None


@given(st.text(max_size=30))
def test_no_text_is_too_odd_to_be_read_or_refused(text: str) -> None:
    found = minor_units(text, 2)
    assert found is None or 0 <= found <= LARGEST_AMOUNT


async def test_a_journey_is_made_returned_and_taken_back(api: Api, database: Database) -> None:
    first = await leave(api)
    second = await leave(api, sessionId=first["sessionId"])
    other = await leave(api)
    assert second["sessionId"] == first["sessionId"]
    assert other["sessionId"] != first["sessionId"]
    assert len({row["sessionId"] for row in await _rows(database)}) == 2


async def test_a_page_of_our_own_origin_carries_its_journey_in_a_cookie(api: Api) -> None:
    answer = await post(api, headers=OWN)
    journey = answer.json()["data"]["sessionId"]
    cookie = f"tillgate_journey={journey}; Path={PATH}; HttpOnly; SameSite=Strict"
    assert answer.headers["set-cookie"] == cookie
    carried = {"Cookie": f"tillgate_journey={journey}"}
    again = await post(api, headers=OWN | carried)
    assert again.json()["data"]["sessionId"] == journey
    assert "set-cookie" not in again.headers
    # Another site's page gets none, and the one that it sends is not read.
    for headers in ({"Sec-Fetch-Site": "cross-site"}, {"Origin": "https://other.example"}, {}):
        foreign = await post(api, headers={**headers, **carried})
        assert foreign.json()["data"]["sessionId"] != journey
        assert "set-cookie" not in foreign.headers
    odd = await post(api, headers=OWN | {"Cookie": "tillgate_journey=a b;c"})
    assert odd.status_code == 201


async def test_a_clock_that_is_wrong_moves_no_lead(
    api: Api, database: Database, clock: ManualClock
) -> None:
    for said in ("1971-01-01T00:00:00Z", "2099-01-01T00:00:00+05:30"):
        left = await leave(api, timestamp=said)
        assert left["timestamp"] != clock.now().isoformat()
    rows = await _rows(database)
    assert {row["createdAt"] for row in rows} == {clock.now()}
    assert len({row["timestamp"] for row in rows}) == 2
    without = await leave(api)
    assert without["timestamp"] == "2026-11-21T12:00:00Z"


async def test_who_fills_in_what_no_person_sees_is_not_kept(api: Api, database: Database) -> None:
    bot = await leave(api, website="https://spam.example")
    assert await _rows(database) == []
    person = await leave(api, website="")
    assert bot.keys() == person.keys()
    assert {**bot, "paymentIntentId": 0, "sessionId": 0} == {
        **person,
        "paymentIntentId": 0,
        "sessionId": 0,
    }
    assert len(await _rows(database)) == 1


@pytest.mark.parametrize(
    ("fields", "status"),
    [
        ({"feedback": "x" * 2001}, 400),
        ({"planName": "x" * 256}, 400),
        ({"feedback": "4242 4242 4242 4242"}, 400),
        ({"userEmail": {"$gt": ""}}, 400),
        ({"locale": "<script>"}, 400),
        ({"timeZone": "Mars/Olympus"}, 400),
        ({"more": 1}, 400),
        ({"planName": None}, 400),
        ({"consentText": "x" * 255, "website": "y" * 15_900}, 413),
        ({"userAgent": "x" * 5000, "userEmail": "", "feedback": ""}, 201),
    ],
)
async def test_sizes_and_kinds_are_bounded(api: Api, fields: dict[str, Any], status: int) -> None:
    assert (await post(api, **fields)).status_code == status


async def test_a_user_agent_is_cut_and_in_one_line(api: Api, database: Database) -> None:
    await leave(api, userAgent="a\u202e\n" + "x" * 5000)
    await leave(api, headers={"User-Agent": "From the header"})
    agents = {row["userAgent"] for row in await _rows(database)}
    assert agents == {"a" + "x" * 509, "From the header"}


async def test_who_may_leave_a_lead(api: Api) -> None:
    for key in (PUBLISHABLE, SECRET, ADMIN):
        assert (await post(api, key)).status_code == 201
    assert (await post(api, JOBS)).status_code == 403
    assert (await api.call("POST", PATH, None, json={})).status_code == 401
    # A browser's key does nothing else with leads.
    for method, path in (
        *(("GET", "query"), ("POST", "query"), ("GET", "analytics"), ("GET", "cleanup")),
        *(("POST", "cleanup"), ("DELETE", "cleanup?confirm=yes"), ("DELETE", "x")),
    ):
        for key in (PUBLISHABLE, SECRET):
            answer = await api.call(method, f"{PATH}/{path}", key)
            assert answer.status_code == 403, (method, path)


async def test_many_at_once_are_each_kept_once(api: Api, database: Database) -> None:
    left = await asyncio.gather(*(leave(api, planName=f"p{n}") for n in range(50)))
    rows = await _rows(database)
    assert {row["_id"] for row in rows} == {one["paymentIntentId"] for one in left}
    assert len(rows) == 50


async def test_a_session_names_its_lead_and_the_lead_its_sessions(
    api: Api, database: Database
) -> None:
    lead = (await leave(api))["paymentIntentId"]
    session = await api.open(sessionId="s-1", intentId=lead)
    assert session["intentId"] == lead
    assert (await api.read("s-1"))["intentId"] == lead
    await api.open(sessionId="s-2", intentId=lead)
    assert (await api.open(sessionId="s-3"))["intentId"] is None
    [row] = await _rows(database)
    assert row["followedBy"] == ["s-1", "s-2"]
    # One that nobody left stops no sale; a lead has room for ten sessions.
    assert (await api.open(intentId="intent_of_nobody"))["intentId"] == "intent_of_nobody"
    for number in range(12):
        await api.open(sessionId=f"more-{number}", intentId=lead)
    [row] = await _rows(database)
    assert len(row["followedBy"]) == 10
