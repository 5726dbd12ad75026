"""What the page of figures shows, read once."""

from collections.abc import Sequence
from typing import Final

from msgspec import Struct

from service.analytics.operations.asking import ask_one
from service.analytics.operations.comparing import compared, read_compared
from service.analytics.operations.folding import Bucket
from service.analytics.operations.periods import last_days
from service.analytics.operations.reading import Asked, read
from service.analytics.operations.services import Shown
from service.analytics.operations.unusual import Unusual, unusual_hours
from service.analytics.repository.facts import Span
from service.analytics.states import Grain, Part

DAYS: Final = 30
UNUSUAL_DAYS: Final = 7
_PARTS: Final = (Part.PROVIDER, Part.CODE)


class Seen(Struct, frozen=True):
    """Now against before, the last days, what was unusual, and all currencies there are."""

    pairs: Sequence[Sequence[Bucket]]
    span: Span
    buckets: Sequence[Bucket]
    unusual: Sequence[Unusual]
    currencies: Sequence[str]


async def seen_of(shown: Shown) -> Seen:
    """Read what the page shows. Raises `NoSuchCurrency`, and `Unavailable`."""
    pairs = await read_compared(shown, *compared(shown).values())
    span = last_days(DAYS, shown.as_of, shown.zone)
    buckets = await ask_one(shown, span, _PARTS, Grain.DAY)
    odd = await unusual_hours(shown, *last_days(UNUSUAL_DAYS, shown.as_of, shown.zone))
    known = (await read(Asked(shown.merchant.id, []))).currencies
    return Seen(pairs, span, buckets, odd, sorted({*known, shown.currency}))
