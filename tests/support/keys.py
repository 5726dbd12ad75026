"""Keys as `tillgate keys create` makes them."""

from typing import Any

from service.core.clock import Clock
from service.core.principal import Kind
from service.web.keys.issuing import IssuedKey, keep_key, make_key


async def issue_key(clock: Clock, kind: Kind, **options: Any) -> IssuedKey:
    """Make a key and store it."""
    return await keep_key(make_key(clock, kind, **options))
