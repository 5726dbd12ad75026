"""What goes out as our reference belongs to one attempt of one session, and to no other."""

import asyncio

from hypothesis import assume, given
from hypothesis import strategies as st

from service.core.clock import ManualClock
from service.sessions.documents import Session
from service.sessions.operations.attempt_id import attempt_id
from service.storage.database import Database
from service.web.keys.issuing import issue_key
from service.web.principal import Kind
from tests.support.api import SECRET, Api

PEPPER = "a-pepper-of-more-than-16-characters"
IDS = st.text("ab-12_", min_size=1, max_size=40)
ATTEMPTS = st.tuples(st.sampled_from(["default", "m2", "m3"]), IDS, st.integers(1, 12))


@given(ATTEMPTS, ATTEMPTS)
def test_two_attempts_never_have_one_name_and_each_fits_every_provider(
    one: tuple[str, str, int], other: tuple[str, str, int]
) -> None:
    assume(one != other)
    assert attempt_id(*one, PEPPER) != attempt_id(*other, PEPPER)
    assert len(attempt_id(*one, PEPPER)) <= 40


def test_the_second_attempt_of_a_session_can_not_be_had_as_a_sessions_id() -> None:
    assert attempt_id("default", "abc", 1, PEPPER) == "abc"
    assert attempt_id("default", "abc", 2, PEPPER) != "abc-2"
    assert attempt_id("default", "abc", 2, PEPPER) != attempt_id("default", "abc", 2, "another")


async def test_of_two_servers_that_name_one_checkout_at_once_one_is_refused(
    api: Api, clock: ManualClock
) -> None:
    issued = await issue_key(clock, Kind.SECRET, merchant_id="another")
    answers = await asyncio.gather(
        *(_name(api, key, f"s-{n}") for n, key in enumerate((SECRET, SECRET, issued.key)))
    )
    assert sorted(answers) == [(201, None), (409, "checkout_taken"), (409, "checkout_taken")]
    # At another provider the same words are another checkout.
    assert await _name(api, SECRET, "s-9", paymentMethod="razorpay") == (201, None)


async def test_control_without_the_index_both_have_it(api: Api, database: Database) -> None:
    sessions = database["sessions"]
    index = next(
        one for one in Session.declared_indexes() if one.document["name"] == "checkout_ids"
    )
    await sessions.drop_index("checkout_ids")
    try:
        answers = [await _name(api, SECRET, f"s-{n}") for n in range(2)]
    finally:
        await sessions.delete_many({})
        await sessions.create_indexes([index])
    assert answers == [(201, None)] * 2


async def _name(api: Api, key: str, session_id: str, **more: str) -> tuple[int, str | None]:
    body = {"sessionId": session_id, "userId": "u", "eventId": "e", "amount": 1000}
    body |= {"currency": "INR", "paymentMethod": "stripe", "providerSessionId": "cs_test_one"}
    answer = await api.call("POST", "/api/payment-sessions", key, json=body | more)
    return answer.status_code, answer.json().get("error")
