"""What goes out as our reference belongs to one attempt of one session, and to no other."""

import asyncio
from datetime import datetime, timedelta

from hypothesis import assume, given
from hypothesis import strategies as st

from service.core.clock import ManualClock
from service.core.principal import Kind
from service.sessions.documents import TRUSTED, Session
from service.sessions.operations.opening.attempt_id import attempt_id, is_anothers
from service.storage.database import Database
from tests.conftest import NOON
from tests.support.api import SECRET, Api
from tests.support.keys import issue_key

PEPPER = "a-pepper-of-more-than-16-characters"
IDS = st.text("ab-12_", min_size=1, max_size=40)
ATTEMPTS = st.tuples(
    st.sampled_from(["default", "m2", "m3"]),
    IDS,
    st.integers(1, 12),
    st.sampled_from([TRUSTED, "pk:abc"]),
)


def _attempt(
    merchant: str, session_id: str, n: int, owner: str = TRUSTED, pepper: str = PEPPER
) -> str:
    return attempt_id(_session(merchant, session_id, owner), n, pepper)


def _session(
    merchant: str, session_id: str, owner: str = TRUSTED, opened_at: datetime = NOON
) -> Session:
    of = {"merchant_id": merchant, "session_id": session_id, "owner": owner, "history": []}
    of |= {"created_at": opened_at, "checkout_ids": []}
    return Session.model_construct(None, **of)


@given(ATTEMPTS, ATTEMPTS)
def test_two_attempts_never_have_one_name_and_each_fits_every_provider(
    one: tuple[str, str, int, str], other: tuple[str, str, int, str]
) -> None:
    assume(one[:3] != other[:3])
    assert _attempt(*one) != _attempt(*other)
    assert len(_attempt(*one)) <= 40


def test_the_second_attempt_of_a_session_can_not_be_had_as_a_sessions_id() -> None:
    assert _attempt("default", "abc", 1) == "abc"
    assert _attempt("default", "abc", 2) != "abc-2"
    assert _attempt("default", "abc", 2) != _attempt("default", "abc", 2, pepper="another")


def test_no_attempt_of_a_browsers_session_has_a_name_that_the_browser_chose() -> None:
    """Another system of the shop may have that number at the same account of the provider."""
    first = _attempt("default", "SHOP-1042", 1, owner="pk:SHOP-1042")
    assert first.startswith("SHOP-1042-1-")
    assert first != _attempt("default", "SHOP-1042", 1, owner="pk:SHOP-1042", pepper="another")


def test_an_attempt_of_an_earlier_session_of_the_id_is_known_as_anothers() -> None:
    session = _session("default", "order-1", "pk:1")
    earlier = _session("default", "order-1", "pk:1", NOON - timedelta(days=8))
    own, other = attempt_id(session, 1, PEPPER), attempt_id(earlier, 1, PEPPER)
    assert is_anothers(session, other)
    assert not is_anothers(session.model_copy(update={"checkout_ids": [own]}), own)
    # What a server made for the session by itself is no attempt of ours.
    assert not any(is_anothers(session, one) for one in ("order-1", "order-1-copy", "order_1a2b"))


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
