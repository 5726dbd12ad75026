"""The life of a played subscription: what it costs when, what is tried, how it ends. Pure."""

from typing import get_args

import msgspec
import pytest
from msgspec import structs

from tillgate_sandbox.lives import (
    DAY,
    PERIOD,
    Invoice,
    Life,
    Payer,
    Step,
    canceled,
    changed,
    cost_of,
    ending,
    kept,
    labelled,
    lived,
    next_at,
    paying,
    restored,
    resumed,
)

START = 1_790_000_000
END = START + PERIOD
BASIC, PREMIUM = "price_sandbox_999_usd_basic", "price_sandbox_2999_usd_premium"
_FIRST = Invoice("in_0", 999, START, START, END, status="paid", attempts=1, paid_at=START)


def life(**fields: object) -> Life:
    """Return a subscription that was begun and paid for."""
    begun = Life("sub_1", START, START, END, BASIC, invoices=(_FIRST,))
    return structs.replace(begun, **fields)


def _until(one: Life, at: int) -> list[Step]:
    return list(lived(one, at))


def test_a_period_costs_what_its_price_says_as_often_as_it_is_had() -> None:
    assert cost_of(BASIC) == (999, "usd")
    (step,) = _until(life(quantity=3), END)
    made = step.life.latest
    assert (made.amount, made.created, made.period_start, made.period_end) == (
        *(2997, END),
        *(START, END),
    )
    assert (step.life.period_start, step.life.period_end) == (END, END + PERIOD)
    assert (made.status, made.attempts, made.paid_at) == ("paid", 1, END)
    assert made.reason == "subscription_cycle"
    assert made.intent is not None
    paid = ("invoice.paid", "invoice_payment.paid", "customer.subscription.updated")
    assert (step.at, step.events) == (END, paid)


def test_nothing_happens_before_its_time_and_all_of_it_by_then() -> None:
    assert _until(life(), END - 1) == []
    steps = _until(life(), END + 2 * PERIOD)
    assert [step.at for step in steps] == [END, END + PERIOD, END + 2 * PERIOD]
    invoices = steps[-1].life.invoices
    assert len({one.id for one in invoices}) == len({one.intent for one in invoices}) == 4
    assert invoices[0] == _FIRST
    again = _until(life(), END)[0].life
    assert again.latest == invoices[1]  # played again, it has the same ids
    assert _until(life(id="sub_2"), END)[0].life.latest.id != again.latest.id


@pytest.mark.parametrize("gives_up", ["canceled", "unpaid"])
def test_a_renewal_that_fails_is_tried_four_times_and_then_given_up(gives_up: str) -> None:
    steps = _until(life(payer="declines", gives_up=gives_up), END + PERIOD)
    assert [(step.at - END) // DAY for step in steps] == [0, 3, 5, 7]
    assert [step.life.status for step in steps] == [*["past_due"] * 3, gives_up]
    assert [step.life.latest.attempts for step in steps] == [1, 2, 3, 4]
    assert [step.life.next_attempt for step in steps] == [*(one.at for one in steps[1:]), None]
    failed, updated = "invoice.payment_failed", "customer.subscription.updated"
    assert all(step.events == (failed, updated) for step in steps[:-1])
    last, over = steps[-1].life, gives_up == "canceled"
    assert steps[-1].events == (failed, "customer.subscription.deleted" if over else updated)
    assert last.ends_because == ("payment_failed" if over else None)
    assert last.ended_at == (END + 7 * DAY if over else None)
    assert (last.latest.status, last.latest.intent, len(last.invoices)) == ("open", None, 2)
    assert next_at(last) is None


def test_a_later_try_that_is_paid_makes_it_active_and_leaves_the_period() -> None:
    first = _until(life(payer="declines"), END)[0].life
    steps = _until(paying(first, "pays"), END + 3 * DAY)
    assert [step.life.status for step in steps] == ["active"]
    now = steps[0].life
    assert (now.next_attempt, now.period_end, now.latest.attempts) == (None, END + PERIOD, 2)
    assert now.latest.paid_at == END + 3 * DAY


def test_what_is_to_end_with_its_period_does_and_may_be_taken_back_before() -> None:
    asked = START + 4 * DAY
    one = ending(life(), asked, ends=True)
    told = (one.cancel_at_period_end, one.canceled_at, one.ends_because)
    assert told == (True, asked, "cancellation_requested")
    assert ending(one, asked + DAY, ends=False) == life()
    (over,) = _until(one, END + PERIOD)
    assert (over.at, over.events) == (END, ("customer.subscription.deleted",))
    # It was canceled when somebody asked for that, and ended later.
    assert (over.life.canceled_at, over.life.ended_at) == (asked, END)
    assert (over.life.status, len(over.life.invoices)) == ("canceled", 1)
    assert next_at(over.life) is None


def test_who_is_canceled_while_a_try_is_due_is_tried_no_more() -> None:
    failing = _until(life(payer="declines"), END)[0].life
    over = canceled(failing, END + DAY).life
    assert (over.status, over.next_attempt, over.ended_at) == ("canceled", None, END + DAY)
    assert over.ends_because == "cancellation_requested"


def test_another_plan_costs_the_difference_for_the_rest_of_the_period() -> None:
    half = START + PERIOD // 2
    up = changed(life(), PREMIUM, 1, half, prorated=True)
    assert up.proration == 1000
    (renewed,) = _until(up, END)
    assert (renewed.life.latest.amount, renewed.life.proration) == (2999 + 1000, 0)
    assert changed(up, BASIC, 1, half, prorated=True).proration == 0
    assert changed(life(), PREMIUM, 1, half, prorated=False).proration == 0
    assert changed(life(), BASIC, 3, half, prorated=True).proration == 999
    assert changed(life(quantity=3), BASIC, 1, half, prorated=True).proration == -999
    assert changed(life(), PREMIUM, 1, END, prorated=True).proration == 0
    assert changed(life(status="trialing"), PREMIUM, 1, half, prorated=True).proration == 0


def test_a_credit_is_used_up_before_anything_is_charged() -> None:
    steps = _until(life(proration=-1500), END + PERIOD)
    assert [step.life.latest.amount for step in steps] == [0, 498]
    assert [step.life.proration for step in steps] == [-501, 0]
    free = steps[0]
    assert (free.life.latest.status, free.life.latest.intent) == ("paid", None)
    assert free.events == ("invoice.paid", "customer.subscription.updated")
    # Nothing has to be paid, so that also who can't pay has done so.
    (unable,) = _until(life(proration=-1500, payer="declines"), END)
    assert unable.life.status == "active"


def test_a_trial_goes_over_into_a_paid_period_or_pauses_where_nobody_can_pay() -> None:
    trial = life(status="trialing", trial_end=END, invoices=(structs.replace(_FIRST, amount=0),))
    (paid,) = _until(trial, END)
    assert (paid.life.status, paid.life.latest.amount) == ("active", 999)
    (paused,) = _until(paying(trial, "none"), END + PERIOD)
    assert (paused.life.status, paused.events) == ("paused", ("customer.subscription.paused",))
    assert len(paused.life.invoices) == 1
    assert _until(paused.life, END + PERIOD) == []
    on = resumed(paused.life, END + 9 * DAY).life
    assert (on.status, on.period_start, on.period_end) == (
        *("active", END + 9 * DAY),
        END + 9 * DAY + PERIOD,
    )
    assert (on.payer, on.latest.status) == ("pays", "paid")


def test_what_is_stored_is_what_is_read_again() -> None:
    for payer in get_args(Payer):
        named = labelled(life(payer=payer), {"sessionId": "ps_1"})
        assert named.metadata == {"sessionId": "ps_1"}
        for step in _until(named, END + PERIOD):
            assert restored(kept(step.life)) == step.life
    with pytest.raises(msgspec.ValidationError):
        restored(kept(life()) | {"payer": "sometimes"})
