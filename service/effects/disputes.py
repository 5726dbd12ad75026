"""What the facts about a dispute write: nothing yet, they stay in the event's row."""

from typing import assert_never

from service.providers.facts import DisputeFact, DisputeUpdated


def leave(fact: DisputeFact) -> None:
    """Leave a fact in the inbox: the ledger of disputes comes with a later version."""
    match fact:
        case DisputeUpdated():
            return
        case _:
            assert_never(fact)
