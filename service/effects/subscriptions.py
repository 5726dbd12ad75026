"""What the facts about a subscription write: nothing yet, they stay in the event's row."""

from typing import assert_never

from service.providers.facts import SubscriptionFact, SubscriptionUpdated


def leave(fact: SubscriptionFact) -> None:
    """Leave a fact in the inbox: the ledger of subscriptions comes with a later version."""
    match fact:
        case SubscriptionUpdated():
            return
        case _:
            assert_never(fact)
