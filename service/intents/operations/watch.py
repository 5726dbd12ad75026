"""How many leads there are just now, for who watches."""

from msgspec import Struct

from service.intents import repository
from service.intents.operations.browse import Wanted, filter_of
from service.intents.operations.services import IntentServices
from service.storage.answering import answers_in_time

_WITHIN_S = 30.0
_MOST = 10_000_000


class Counted(Struct, frozen=True):
    """How many leads are kept of a merchant, and how many of them are of today."""

    total: int
    today: int


async def count_now(merchant_id: str, services: IntentServices) -> Counted:
    """Count a merchant's leads. Raises `Unavailable`."""
    today = await filter_of(Wanted(days_back=1), merchant_id, services)
    async with answers_in_time(_WITHIN_S):
        total = await repository.count_before(merchant_id, today.until)
        return Counted(total, await repository.count(today, _MOST))
