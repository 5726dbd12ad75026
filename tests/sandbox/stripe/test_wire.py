"""Stripe's wire as it is: form encoding, keys, idempotency, refusals, expiry limits."""

import asyncio
import base64
from collections.abc import AsyncIterator
from contextlib import suppress
from typing import Any
from urllib.parse import urlencode

import pytest
import pytest_asyncio
from httpx import AsyncClient, Response
from hypothesis import given
from hypothesis import strategies as st

from tests.sandbox.lab import STRIPE_KEY, Lab
from tillgate_sandbox import listing
from tillgate_sandbox.stripe.form import encode_form, parse_form
from tillgate_sandbox.stripe.refusals import StripeRefused

SESSIONS = "/v1/checkout/sessions"


@pytest_asyncio.fixture
async def http(lab: Lab) -> AsyncIterator[AsyncClient]:
    """Plain HTTP to the played Stripe."""
    async with AsyncClient(
        base_url=f"{lab.address}/sandbox/stripe",
        headers={"Authorization": f"Bearer {STRIPE_KEY}"},
        trust_env=False,
    ) as client:
        yield client


async def post(http: AsyncClient, path: str, params: dict[str, Any], key: str = "") -> Response:
    """Post a form as Stripe takes it."""
    headers = {"Content-Type": "application/x-www-form-urlencoded"}
    headers |= {"Idempotency-Key": key} if key else {}
    return await http.post(path, content=urlencode(encode_form(params)), headers=headers)


async def test_copies_of_a_call_get_the_first_answer_and_say_so(
    http: AsyncClient, params: dict[str, Any]
) -> None:
    first = await post(http, SESSIONS, params, "key-1")
    again = await post(http, SESSIONS, params, "key-1")

    assert first.status_code == again.status_code == 200
    assert again.content == first.content
    assert "idempotent-replayed" not in first.headers
    assert again.headers["idempotent-replayed"] == "true"
    assert again.headers["idempotency-key"] == "key-1"
    assert len((await http.get(SESSIONS)).json()["data"]) == 1


async def test_key_with_other_parameters_or_another_address_is_refused(
    http: AsyncClient, params: dict[str, Any]
) -> None:
    session = (await post(http, SESSIONS, params, "key-1")).json()

    other = await post(http, SESSIONS, params | {"cancel_url": "https://x.example"}, "key-1")
    elsewhere = await post(http, f"{SESSIONS}/{session['id']}/expire", {}, "key-1")

    for refused in (other, elsewhere):
        assert refused.status_code == 400
        assert refused.json()["error"]["type"] == "idempotency_error"
    assert "same parameters" in other.json()["error"]["message"]
    assert "same endpoint" in elsewhere.json()["error"]["message"]


async def test_copy_of_a_call_that_still_runs_gets_409(
    lab: Lab, http: AsyncClient, params: dict[str, Any]
) -> None:
    await post(http, SESSIONS, params, "key-1")
    rows = lab.api.container.database["sandbox_keys"]
    await rows.update_one({}, {"$set": {"status": None, "answer": None}})

    answer = await post(http, SESSIONS, params, "key-1")

    assert answer.status_code == 409
    assert answer.json()["error"]["code"] == "idempotency_key_in_use"
    assert answer.headers["stripe-should-retry"] == "true"


async def test_many_copies_at_once_make_one_session(
    http: AsyncClient, params: dict[str, Any]
) -> None:
    answers = await asyncio.gather(*(post(http, SESSIONS, params, "key-1") for _ in range(20)))

    assert {answer.status_code for answer in answers} <= {200, 409}
    assert len({answer.json()["id"] for answer in answers if answer.is_success}) == 1
    assert len((await http.get(SESSIONS)).json()["data"]) == 1


async def test_key_of_a_call_that_was_refused_before_it_began_is_free_again(
    http: AsyncClient, params: dict[str, Any]
) -> None:
    refused = await post(http, SESSIONS, params | {"mode": "gift"}, "key-1")
    assert refused.status_code == 400

    assert (await post(http, SESSIONS, params, "key-1")).status_code == 200


async def test_refusal_of_a_call_that_began_is_replayed(
    http: AsyncClient, params: dict[str, Any]
) -> None:
    session_id = (await post(http, SESSIONS, params)).json()["id"]
    await post(http, f"{SESSIONS}/{session_id}/expire", {})

    refused = await post(http, f"{SESSIONS}/{session_id}/expire", {}, "key-1")
    again = await post(http, f"{SESSIONS}/{session_id}/expire", {}, "key-1")

    assert refused.status_code == again.status_code == 400
    assert again.headers["idempotent-replayed"] == "true"


@pytest.mark.parametrize(
    ("seconds", "message"),
    [
        (30 * 60 - 1, "at least 30 minutes"),
        (30 * 60, None),
        (24 * 3600, None),
        (24 * 3600 + 1, "less than 24 hours"),
    ],
)
async def test_session_lives_between_30_minutes_and_24_hours(
    lab: Lab, http: AsyncClient, params: dict[str, Any], seconds: int, message: str | None
) -> None:
    params["expires_at"] = int(lab.sandbox.clock.now().timestamp()) + seconds

    answer = await post(http, SESSIONS, params)

    if message is None:
        assert answer.status_code == 200
    else:
        assert answer.status_code == 400
        assert answer.json()["error"]["param"] == "expires_at"
        assert message in answer.json()["error"]["message"]


@pytest.mark.parametrize(
    ("changes", "param", "code"),
    [
        ({"mode": None}, "mode", "parameter_missing"),
        ({"success_url": None}, "success_url", "parameter_missing"),
        ({"line_items": None}, "line_items", "parameter_missing"),
        ({"colour": "red"}, "colour", "parameter_unknown"),
        ({"expires_at": "soon"}, "expires_at", "parameter_invalid_integer"),
        ({"customer_email": "nobody"}, "customer_email", "email_invalid"),
        ({"metadata": {"k" * 41: "v"}}, f"metadata[{'k' * 40}]", None),
        (
            {"line_items": [{"price": "price_1Unknown", "quantity": 1}]},
            "line_items[0][price]",
            "resource_missing",
        ),
        (
            {"line_items": [{"price_data": {"currency": "zzz"}, "quantity": 1}]},
            "line_items[0][price_data][currency]",
            None,
        ),
    ],
)
async def test_wrong_parameter_is_named(
    http: AsyncClient,
    params: dict[str, Any],
    changes: dict[str, Any],
    param: str,
    code: str | None,
) -> None:
    sent = {name: value for name, value in (params | changes).items() if value is not None}

    answer = await post(http, SESSIONS, sent)

    error = answer.json()["error"]
    assert answer.status_code == 400
    assert error["type"] == "invalid_request_error"
    assert (error.get("param"), error.get("code")) == (param, code)


@pytest.mark.parametrize(
    ("authorization", "words"),
    [
        ("", "did not provide an API key"),
        ("Bearer sk_test_wrong", "Invalid API Key provided"),
        ("Basic !!!", "did not provide an API key"),
        ("Digest x", "did not provide an API key"),
    ],
)
async def test_caller_without_the_key_gets_401_in_stripes_shape(
    http: AsyncClient, authorization: str, words: str
) -> None:
    answer = await http.get(SESSIONS, headers={"Authorization": authorization})

    assert answer.status_code == 401
    assert words in answer.json()["error"]["message"]
    assert answer.headers["www-authenticate"] == 'Basic realm="Stripe"'


async def test_basic_authentication_takes_the_key_as_user_name(http: AsyncClient) -> None:
    encoded = base64.b64encode(f"{STRIPE_KEY}:".encode()).decode()

    answer = await http.get(SESSIONS, headers={"Authorization": f"Basic {encoded}"})

    assert answer.status_code == 200
    assert answer.headers["request-id"].startswith("req_")


async def test_session_past_its_time_is_expired_for_whoever_reads_it(
    lab: Lab, http: AsyncClient, params: dict[str, Any]
) -> None:
    session_id = (await post(http, SESSIONS, params)).json()["id"]
    rows = lab.api.container.database["sandbox_checkouts"]
    await rows.update_one({}, {"$set": {"expiresAt": lab.sandbox.clock.now()}})

    found = (await http.get(f"{SESSIONS}/{session_id}")).json()

    assert (found["status"], found["url"]) == ("expired", None)
    told = await listing.list_events("stripe", {}, listing.Span(10))
    assert [event.type for event in told] == ["checkout.session.expired"]


texts = st.text(
    st.characters(codec="utf-8", exclude_characters="[]\0"), min_size=1, max_size=10
).filter(lambda text: not text.isdecimal())
leaves = st.text(st.characters(codec="utf-8", exclude_characters="\0"), max_size=10)
nested = st.recursive(
    leaves,
    lambda inner: (
        st.dictionaries(texts, inner, min_size=1, max_size=3)
        | st.lists(inner, min_size=1, max_size=12)
    ),
    max_leaves=12,
)


@given(st.dictionaries(texts, nested, max_size=4))
def test_what_is_form_encoded_is_read_again(value: dict[str, Any]) -> None:
    assert parse_form(urlencode(encode_form(value)).encode()) == value


@given(st.binary(max_size=60) | st.from_regex(rb"[a-c\[\]0-9=&%]{0,40}", fullmatch=True))
def test_no_form_makes_the_parser_fail_in_another_way(encoded: bytes) -> None:
    with suppress(StripeRefused):
        assert isinstance(parse_form(encoded), dict)


def test_empty_brackets_append_and_metadata_stays_an_object() -> None:
    encoded = b"expand[]=payment_intent&expand[]=invoice&metadata[0]=a&created[gte]=5"

    assert parse_form(encoded) == {
        "expand": ["payment_intent", "invoice"],
        "metadata": {"0": "a"},
        "created": {"gte": "5"},
    }
