"""What the facts about a refund write: nothing yet, they stay in the event's row."""

from typing import assert_never

from service.providers.facts import RefundFact, RefundUpdated


def leave(fact: RefundFact) -> None:
    """Leave a fact in the inbox: the ledger of refunds comes with a later version."""
    match fact:
        case RefundUpdated():
            return
        case _:
            assert_never(fact)
