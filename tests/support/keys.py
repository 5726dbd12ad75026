"""Keys as `tillgate keys create` makes them, of merchants as `tillgate merchants add` does."""

from typing import Any

from service.core.clock import Clock
from service.core.principal import DEFAULT_MERCHANT, Kind
from service.merchants import repository
from service.merchants.documents import Merchant
from service.web.keys.issuing import IssuedKey, keep_key, make_key


async def issue_key(clock: Clock, kind: Kind, **options: Any) -> IssuedKey:
    """Make a key and store it; its merchant is there from then on, if it was not."""
    made = make_key(clock, kind, **options)
    if made.document.merchant_id != DEFAULT_MERCHANT:
        await repository.insert_missing(Merchant.unnamed(made.document.merchant_id, clock.now()))
    return await keep_key(made)
