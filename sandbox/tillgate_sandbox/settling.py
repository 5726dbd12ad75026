"""Refunds that a provider's API is asked for, and what becomes of them in time."""

from datetime import timedelta
from typing import Literal

from service.core.errors import Conflict
from tillgate_sandbox import repository
from tillgate_sandbox.aftermath import CannotHappen
from tillgate_sandbox.base import Sandbox
from tillgate_sandbox.chaos import Fault
from tillgate_sandbox.documents import SandboxCheckout, SandboxRefund
from tillgate_sandbox.playing import chaos_of, happen
from tillgate_sandbox.states import Happening

_AT_ONCE = 50


class RefundRefused(CannotHappen):
    """A refund that faults make the provider refuse: `reason` is which of them did."""

    def __init__(self, reason: Literal["refused_refund", "no_balance"]) -> None:
        """Keep the reason: each provider has its own words for it."""
        super().__init__(f"The refund is refused: {reason}.")
        self.reason = reason


async def ask_for_refund(
    checkout: SandboxCheckout, refund: SandboxRefund, sandbox: Sandbox
) -> SandboxRefund:
    """Refund as an API is asked to, with the faults of the checkout; return the refund.

    Raises `RefundRefused`, `CannotHappen` and `Busy`.
    """
    chaos = await chaos_of(checkout)
    faults: tuple[Fault, ...] = chaos.faults
    if "refused_refund" in faults:
        raise RefundRefused("refused_refund")
    poor = "no_balance" in faults
    if poor and checkout.provider != "stripe":
        raise RefundRefused("no_balance")
    fails = "failing_refund" in faults
    # Stripe lets a refund wait for money.
    slow = poor or "slow_refund" in faults
    due_at = sandbox.clock.now() + timedelta(milliseconds=chaos.delay_ms)
    planned: SandboxRefund = refund.model_copy()
    if slow or fails:
        planned.due_at = due_at
        planned.becomes = Happening.REFUND_FAILED if fails else Happening.REFUND_SETTLED
    if slow:
        planned.waits = "insufficient_funds" if poor else "processing"
    begins = Happening.REFUND_STARTED if slow else Happening.REFUNDED
    after = await happen(checkout, begins, sandbox, refund=planned)
    return after.payments[-1].refunds[-1]


def _next(refund: SandboxRefund) -> Happening:
    return refund.becomes or Happening.REFUND_SETTLED


async def settle_due(sandbox: Sandbox) -> int:
    """Let refunds go on whose time has come; return how many did."""
    now, settled = sandbox.clock.now(), 0
    for checkout in await repository.refunds_due(now, _AT_ONCE):
        due = [
            one
            for payment in checkout.payments
            for one in payment.refunds
            if one.becomes is not None and one.due_at is not None and one.due_at <= now
        ]
        # One at a time: the next round sees the checkout as it is then.
        for refund in due[:1]:
            try:
                await happen(checkout, _next(refund), sandbox, refund=refund)
                settled += 1
            except Conflict:
                continue  # somebody pressed a button just now
    return settled
