"""Whose a checkout is: what an event tells, held against what a session has opened."""

from datetime import timedelta
from typing import Any

import pytest
from msgspec import structs

from service.effects.applying import Applying
from service.effects.matching import learn
from service.effects.ownership import Ownership, check_ownership, ownership_of
from service.inbox.operations.inbox import CheckoutUnknown
from service.payments.payments.documents import Claim
from service.payments.payments.operations.record import Recorded
from service.payments.payments.states import PaymentStatus
from service.providers.base import VerifiedEvent
from service.providers.facts import Subject
from service.sessions import repository
from service.sessions.documents import TRUSTED, Checkout, Opening, Session
from service.sessions.operations.reviewing.claims import is_claim_of
from service.sessions.states import Mismatch
from service.storage.plain import NO_TRANSACTION
from tests.conftest import NOON

OPENING = Opening(n=1, provider_expires_at=NOON, locked_until=NOON)
OURS = Checkout(ref="cs_ours", n=1, opened_at=NOON, attempt_id="s-1-0123456789")
NAMED = Checkout(ref="cs_named", n=0, opened_at=NOON)
OLD = Checkout(ref="cs_old", n=1, opened_at=NOON)


def _session(*checkouts: Checkout, **changes: Any) -> Session:
    ids = [id for one in checkouts for id in (one.ref, one.attempt_id) if id]
    given = {"merchant_id": "default", "session_id": "s", "owner": TRUSTED, "created_at": NOON}
    given |= {"checkouts": list(checkouts), "checkout_ids": ids, "opening": None, "history": []}
    return Session.model_construct(None, **{**given, **changes})


@pytest.mark.parametrize(
    ("subject", "known_ref", "expected"),
    [
        (Subject(checkout_refs=("cs_ours",)), None, "own"),
        (Subject(attempt_ids=("s-1-0123456789",)), None, "own"),
        (Subject(object_ids=("cs_ours",)), None, "own"),
        (Subject(), "cs_ours", "own"),
        (Subject(checkout_refs=("cs_foreign",), attempt_ids=("s-1-0123456789",)), None, "own"),
        (Subject(checkout_refs=("cs_foreign",)), None, "foreign"),
        (Subject(), "cs_foreign", "foreign"),
        (Subject(checkout_refs=("cs_foreign",)), "cs_foreign", "foreign"),
        (Subject(sent_ids=("s",)), None, "unknown"),
        (Subject(attempt_ids=("s-2-0123456789",)), None, "unknown"),
    ],
)
def test_a_session_with_a_checkout_owns_what_names_it_and_nothing_else(
    subject: Subject, known_ref: str | None, expected: str
) -> None:
    assert ownership_of(_session(OURS), subject, known_ref).value == expected


@pytest.mark.parametrize(
    ("subject", "expected"),
    [
        (Subject(checkout_refs=("cs_any",)), Ownership.OWN),
        (Subject(), Ownership.OWN),
        (Subject(attempt_ids=("s-1-abcdefghij",)), Ownership.FOREIGN),
        (Subject(checkout_refs=("cs_any", "s-1-abcdefghij")), Ownership.FOREIGN),
    ],
)
def test_a_session_without_any_takes_all_but_what_an_earlier_one_of_its_id_has_opened(
    subject: Subject, expected: Ownership
) -> None:
    assert ownership_of(_session(), subject) is expected
    # What is being opened may be paid before we hear of it: from then on it takes no other.
    opening = ownership_of(_session(opening=OPENING), subject)
    assert opening is (Ownership.FOREIGN if subject.checkout_refs else Ownership.UNKNOWN)


def test_an_intent_that_names_the_session_may_be_of_a_checkout_before_attempts_had_ids() -> None:
    intent = Subject(sent_ids=("s",))
    assert ownership_of(_session(OLD), intent) is Ownership.OWN
    assert ownership_of(_session(OURS, OLD), intent) is Ownership.OWN
    for other in (NAMED, OURS):
        assert ownership_of(_session(other), intent) is Ownership.UNKNOWN
    assert ownership_of(_session(OLD), Subject(sent_ids=("another",))) is Ownership.UNKNOWN
    told = structs.replace(intent, checkout_refs=("cs_foreign",))
    assert ownership_of(_session(OLD), told) is Ownership.FOREIGN


def test_a_claim_is_of_the_session_that_was_opened_then() -> None:
    session = _session()
    assert is_claim_of(Claim("default", "s", NOON), session)
    assert is_claim_of(Claim("default", "s", None), session)  # of before that was kept
    for other in (
        None,
        Claim("another", "s", NOON),
        Claim("default", "another", NOON),
        Claim("default", "s", NOON - timedelta(days=9)),
    ):
        assert not is_claim_of(other, session)


def _doing(subject: Subject, *, may_ask: bool) -> Applying:
    fields = dict.fromkeys(VerifiedEvent.__struct_fields__) | {"subject": subject}
    event = VerifiedEvent(**fields)  # type: ignore[arg-type]
    return Applying(
        tx=None,  # type: ignore[arg-type]
        event=event,
        cause=None,  # type: ignore[arg-type]
        lifetimes=None,  # type: ignore[arg-type]
        merchant_id="default",
        may_ask=may_ask,
    )


def _recorded(claim: Claim | None, ref: str | None = None) -> Recorded:
    return Recorded(PaymentStatus.SUCCEEDED, ref, None, claim, 1000, "USD")


def test_what_names_no_checkout_is_asked_about_where_it_can_be_and_is_a_strangers_where_not() -> (
    None
):
    session, silent = _session(OURS), Subject(sent_ids=("s",))
    with pytest.raises(CheckoutUnknown) as asked:
        check_ownership(_doing(silent, may_ask=True), session, None)
    assert asked.value.matched
    assert (
        check_ownership(_doing(silent, may_ask=False), session, None).stranger is Mismatch.FOREIGN
    )
    for may_ask in (True, False):
        doing = _doing(silent, may_ask=may_ask)
        assert check_ownership(doing, session, None, ask=False) == doing


@pytest.mark.parametrize("ask", [True, False])
def test_a_payment_is_the_sessions_by_its_claim_and_by_its_checkout(ask: bool) -> None:
    session, own = _session(OURS), Claim("default", "s", NOON)
    ours = _doing(Subject(checkout_refs=("cs_ours",)), may_ask=True)
    assert check_ownership(ours, session, None, ask=ask) == ours
    assert check_ownership(ours, session, _recorded(own), ask=ask) == ours
    for another in (None, Claim("default", "another", NOON)):
        given = check_ownership(ours, session, _recorded(another), ask=ask)
        assert given.stranger is Mismatch.ANOTHERS
    foreign = _doing(Subject(checkout_refs=("cs_foreign",)), may_ask=True)
    assert check_ownership(foreign, session, _recorded(own), ask=ask).stranger is Mismatch.FOREIGN
    silent = _doing(Subject(), may_ask=True)
    assert check_ownership(silent, session, _recorded(own, "cs_ours"), ask=ask) == silent
    assert (
        check_ownership(silent, session, _recorded(own, "cs_x"), ask=ask).stranger
        is Mismatch.FOREIGN
    )


@pytest.mark.parametrize(
    ("session", "subject", "kept"),
    [
        (_session(OURS), Subject(checkout_refs=("cs_ours", "order_1")), ["order_1"]),
        (_session(OURS), Subject(checkout_refs=("cs_ours",)), []),
        (_session(OURS), Subject(checkout_refs=("cs_foreign",)), []),
        (_session(), Subject(checkout_refs=("cs_any",)), []),
    ],
)
async def test_other_ids_of_an_own_checkout_are_kept_and_no_strangers(
    session: Session, subject: Subject, kept: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    written: list[str] = []

    async def change(one: Session, update: Any, tx: object) -> Session:
        assert one is session
        written.extend(update["$set"].pop("checkoutIds"))
        assert update == {"$set": {}}
        return session

    monkeypatch.setattr(repository, "change", change)
    assert await learn(NO_TRANSACTION, session, subject, subject.checkout_refs) is session
    assert sorted(written) == sorted([*session.checkout_ids, *kept] if kept else [])
