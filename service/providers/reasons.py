"""Why money did not move, in plain words: the provider's own codes mean little to people.

Of several codes the first one counts that is known, so the most telling goes first: the bank's,
then the provider's own.
"""

from collections.abc import Mapping

from service.providers.registry import REGISTRY


def why_declined(provider: str, *codes: str | None) -> str | None:
    """Return why a payment failed ("The bank declined the card: insufficient funds."), or None."""
    row = REGISTRY.get(provider)
    return None if row is None else _first(row.traits.declines, codes)


def why_not_refunded(provider: str, *codes: str | None) -> str | None:
    """Return why a refund failed, waits or was refused, or None where no code is known."""
    row = REGISTRY.get(provider)
    return None if row is None else _first(row.traits.refusals, codes)


def _first(words: Mapping[str, str], codes: tuple[str | None, ...]) -> str | None:
    return next((words[code] for code in codes if code is not None and code in words), None)
