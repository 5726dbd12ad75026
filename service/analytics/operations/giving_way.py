"""Who pays goes before figures: the job leaves a busy process to the hot routes for most of it."""

from typing import Final

from msgspec.structs import replace

from service.analytics.operations.keeping import much_waits
from service.core.batches import Until
from service.core.rush import Rush

AS_LONG: Final = 9
"""For how many times as long as a part of the job took others go before."""


def giving_way(until: Until, rush: Rush) -> Until:
    """Return until when the job works, giving way while requests of the hot routes crowd.

    Not where answers have so much to add up that they would soon be refused: then it catches up.
    """

    async def give_way(took: float) -> None:
        if not much_waits():
            await rush.over(AS_LONG * took)

    return replace(until, give_way=give_way)
