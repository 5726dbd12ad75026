"""What a hint writes of a subscription: since when it waits to be read, and what it is named by."""

from datetime import timedelta
from typing import Any

from service.payments.subscriptions.documents import Subscription
from service.payments.subscriptions.operations.hint import Began, Hint, claimed, marked, named_by
from tests.conftest import NOON

_LATER = NOON + timedelta(hours=1)
_BEGAN = Began("another", "ps_2", _LATER, "server", "user_2", "gold")


def _known(**fields: Any) -> Subscription:
    given = {"payment_ids": [], "provider_customer_id": None, "session_id": None} | fields
    known: Subscription = Subscription.model_construct(None, **given)
    return known


def test_one_that_is_not_read_yet_waits_since_its_first_hint() -> None:
    """Else one that something becomes of all the time would never be overdue."""
    waiting = _known(asked=3, unread=True, unread_since=NOON)
    assert marked(waiting, _LATER) == {"wanted": 4, "unread": True, "unreadSince": NOON}
    # The control: one that was read meanwhile waits anew.
    read = _known(asked=3, unread=False, unread_since=None)
    assert marked(read, _LATER) == {"wanted": 4, "unread": True, "unreadSince": _LATER}


def test_a_payment_is_added_to_those_that_are_known() -> None:
    hint = Hint("sub_1", payment_id="pi_2")
    assert named_by(_known(payment_ids=["pi_1"]), hint) == {"paymentIds": ["pi_1", "pi_2"]}
    assert named_by(_known(payment_ids=["pi_2"]), hint) == {"paymentIds": ["pi_2"]}
    assert named_by(None, hint) == {"paymentIds": ["pi_2"]}


def test_the_first_that_names_its_session_and_its_customer_is_believed() -> None:
    hint = Hint("sub_1", began=_BEGAN, customer_id="cus_2")
    of_another = _known(session_id="ps_1", provider_customer_id="cus_1")
    assert named_by(of_another, hint) == {}
    # The control: of one that nobody has named yet, and of one that nobody knows.
    named = claimed(_BEGAN, None) | {"providerCustomerId": "cus_2"}
    assert named_by(None, hint) == named
    assert named_by(_known(plan=None), hint) == named
    assert named_by(_known(plan="basic"), hint) == named | {"plan": "basic"}
