"""What its provider gave up charging for is not reactivated by a call."""

from typing import Any

import pytest

from service.payments.subscriptions.documents import Subscription
from service.payments.subscriptions.errors import SubscriptionUnpaid
from service.payments.subscriptions.operations.changes import Change, is_made
from service.payments.subscriptions.states import SubscriptionStatus

REACTIVATE = Change("reactivate")


def _standing(status: SubscriptionStatus, **fields: Any) -> Subscription:
    return Subscription.model_construct(
        None, provider_subscription_id="sub_1", status=status, **fields
    )


@pytest.mark.parametrize("status", [SubscriptionStatus.UNPAID, SubscriptionStatus.HALTED])
def test_who_reactivates_it_is_told_that_it_must_be_paid(status: SubscriptionStatus) -> None:
    with pytest.raises(SubscriptionUnpaid, match="pays what is owed at the provider"):
        is_made(_standing(status), REACTIVATE)
    assert not is_made(_standing(status, cancel_at_period_end=True), REACTIVATE)


@pytest.mark.parametrize("status", [SubscriptionStatus.ACTIVE, SubscriptionStatus.PAST_DUE])
def test_control_what_goes_on_is_reactivated_already(status: SubscriptionStatus) -> None:
    assert is_made(_standing(status), REACTIVATE)
