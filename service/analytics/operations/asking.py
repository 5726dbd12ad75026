"""Read the figures of some times in the currency that they are shown in."""

from collections.abc import Collection, Sequence

from service.analytics.errors import NoSuchCurrency
from service.analytics.operations.folding import Bucket
from service.analytics.operations.reading import Asked, read
from service.analytics.operations.services import Shown
from service.analytics.repository.facts import Span
from service.analytics.states import Part


async def ask(
    shown: Shown, spans: Sequence[Span], parts: Collection[Part] = ()
) -> Sequence[Sequence[Bucket]]:
    """Return the buckets of each time. Raises `NoSuchCurrency`, and `Unavailable`."""
    found = await read(Asked(shown.merchant.id, spans, shown.currency, parts))
    if shown.is_named and shown.currency not in found.currencies:
        raise NoSuchCurrency(shown.currency, sorted(found.currencies))
    return found.buckets


async def ask_one(shown: Shown, span: Span, parts: Collection[Part] = ()) -> Sequence[Bucket]:
    """Return the buckets of one time; raises as `ask` does."""
    return (await ask(shown, [span], parts))[0]


async def ask_all(shown: Shown, span: Span) -> Sequence[Bucket]:
    """Return the buckets of one time in all currencies. Raises `Unavailable`."""
    return (await read(Asked(shown.merchant.id, [span]))).buckets[0]
