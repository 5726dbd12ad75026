"""Calls about prices (https://docs.stripe.com/api/prices): an id says what its price is."""

from service.core.strict_json import JsonObject
from tillgate_sandbox.base import Sandbox
from tillgate_sandbox.stripe.items import price
from tillgate_sandbox.stripe.parameters import SANDBOX_PRICE
from tillgate_sandbox.stripe.refusals import no_such


async def retrieve_price(sandbox: Sandbox, ids: tuple[str, ...], given: JsonObject) -> JsonObject:
    """Read a price of the sandbox; those that a session made are not kept."""
    if SANDBOX_PRICE.fullmatch(ids[0]) is None:
        raise no_such("price", ids[0], "price")
    return price(ids[0])
