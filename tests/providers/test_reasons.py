"""Why money did not move, in words that people understand."""

import pytest

from service.providers.reasons import why_declined, why_not_refunded
from service.providers.registry import REGISTRY
from service.providers.traits import Registered


@pytest.mark.parametrize(
    ("provider", "codes", "words"),
    [
        (
            "stripe",
            ("insufficient_funds", "card_declined"),
            "The bank declined the card: insufficient funds.",
        ),
        ("stripe", ("not_known", "card_declined"), "The bank declined the card."),
        (
            "razorpay",
            (None, "insufficient_funds"),
            "The bank declined the payment: insufficient funds.",
        ),
        ("phonepe", ("Z9",), "The bank declined the payment: insufficient funds."),
        ("stripe", ("not_known", None), None),
        ("upi", ("Z9",), None),
        ("nobody", ("Z9",), None),
    ],
)
def test_the_most_telling_code_of_a_decline_is_put_into_words(
    provider: str, codes: tuple[str | None, ...], words: str | None
) -> None:
    assert why_declined(provider, *codes) == words


def test_a_code_means_what_it_is_said_of() -> None:
    """Of a decline the customer's money lacks, of a refund the merchant's."""
    said = why_not_refunded("stripe", "insufficient_funds")
    assert said == "The balance at Stripe is too low for the refund."
    assert said != why_declined("stripe", "insufficient_funds")


@pytest.mark.parametrize("row", REGISTRY.values(), ids=REGISTRY)
def test_words_are_sentences(row: Registered) -> None:
    words = [*row.traits.declines.values(), *row.traits.refusals.values()]
    assert all(one[0].isupper() and one.endswith(".") for one in words)
