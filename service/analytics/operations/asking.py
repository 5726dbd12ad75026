"""Read the figures of some times in the currency that they are shown in."""

from collections.abc import Collection, Sequence

from service.analytics.errors import NoSuchCurrency
from service.analytics.operations.folding import Bucket
from service.analytics.operations.reading import Asked, Found, read
from service.analytics.operations.services import Shown
from service.analytics.repository.facts import Span
from service.analytics.states import Grain, Part


async def ask(
    shown: Shown,
    spans: Sequence[Span],
    parts: Collection[Part] = (),
    grain: Grain = Grain.QUARTER,
    totals_of: Sequence[Span] = (),
) -> Sequence[Sequence[Bucket]]:
    """Return the buckets of each time, in which so much is told apart.

    Then those of further times, of which only totals are wanted.
    Raises `NoSuchCurrency`, and `Unavailable`.
    """
    asked = Asked(shown.merchant.id, spans, shown.currency, parts, grain, shown.timezone, totals_of)
    found = await read(asked)
    _require_currency(shown, found)
    return found.buckets


async def ask_one(
    shown: Shown, span: Span, parts: Collection[Part] = (), grain: Grain = Grain.QUARTER
) -> Sequence[Bucket]:
    """Return the buckets of one time; raises as `ask` does."""
    return (await ask(shown, [span], parts, grain))[0]


async def ask_all(shown: Shown, span: Span) -> Sequence[Bucket]:
    """Return one time in all currencies, no times of it told apart; raises as `ask` does."""
    asked = Asked(shown.merchant.id, [span], grain=Grain.MONTH, zone=shown.timezone)
    found = await read(asked)
    _require_currency(shown, found)
    return found.buckets[0]


async def require_currency(shown: Shown) -> None:
    """Refuse a currency that was named and has no rows; raises as `ask` does."""
    if shown.is_named:
        await ask(shown, [])


def _require_currency(shown: Shown, found: Found) -> None:
    if shown.is_named and shown.currency not in found.currencies:
        raise NoSuchCurrency(shown.currency, sorted(found.currencies))
