"""The pages of leads and of who left in a real browser, with hostile words in every field."""

from datetime import timedelta
from functools import partial

import pytest

from service.core.clock import SystemClock
from service.intents import repository as intents
from service.intents.documents import Agent, PaymentIntent
from service.recovery import repository
from service.recovery.documents import Recovery, recovery_id
from service.recovery.states import Arm, RecoveryStatus
from service.storage.plain import in_transaction
from tests.dashboard.operated import EVIL
from tests.sandbox.looks import look_at
from tests.sandbox.visitor import Visitor, signed_in
from tests.support.axe import violations

pytestmark = pytest.mark.browser

RECOVERY, LEADS = "/dashboard/recovery", "/dashboard/leads"
_LOOKS = [(360, "dark"), (360, "light"), (1280, "dark"), (1280, "light")]


async def _left() -> None:
    """Have a session that was left in each state, all with hostile words."""
    now = SystemClock().now()
    rows = [
        Recovery(
            id=recovery_id("default", f"s-{number}"),
            merchant_id="default",
            session_id=f"s-{number}",
            user_id="u",
            item=f"plan:{EVIL}{'x' * 200}",
            provider="stripe",
            arm=Arm.HELD_OUT if number else Arm.REMINDED,
            status=status,
            reminders=number,
            reminded_at=now,
            left_at=now,
            enrolled_at=now - timedelta(minutes=1),
            next_at=now,
            outcome_at=now + timedelta(days=3),
            purge_at=now + timedelta(days=90),
        ).to_row()
        for number, status in enumerate(RecoveryStatus)
    ]
    await in_transaction(partial(repository.add_once, rows))


async def _wanted() -> None:
    now = SystemClock().now()
    lead = PaymentIntent(
        id="intent_1",
        merchant_id="default",
        plan_name=EVIL,
        amount="29.99",
        amount_minor=2999,
        currency="USD",
        user_email=f"j@{'x' * 200}.example",
        agent=Agent(browser=EVIL, os="y" * 200),
        feedback=f"{EVIL}{'z' * 300}",
        session_id="journey-1",
        mail_consent=True,
        followed_by=["s-1"],
        created_at=now,
        purge_at=now + timedelta(days=1),
    )
    await intents.insert(lead.to_row())


@pytest.mark.soak
async def test_the_pages_fit_whatever_stands_in_them(visitor: Visitor) -> None:
    """Soak: in each width and scheme; `test_every_page` looks at each page once."""
    await signed_in(visitor, RECOVERY)
    await look_at(visitor, {"recovery-empty": RECOVERY, "leads-empty": LEADS}, _LOOKS[:1])
    await _left()
    await _wanted()
    pages = {"recovery": RECOVERY, "leads": LEADS, "reminder": f"{RECOVERY}/s-0"}
    await look_at(visitor, pages, _LOOKS)
    assert await violations(visitor.page) == []
