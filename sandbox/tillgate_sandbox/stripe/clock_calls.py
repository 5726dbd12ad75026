"""Calls about the clocks that move subscriptions (https://docs.stripe.com/api/test_clocks)."""

import secrets

from service.core.strict_json import JsonObject
from service.providers.reading import text
from tillgate_sandbox import repository
from tillgate_sandbox.base import Sandbox
from tillgate_sandbox.documents import SandboxClock
from tillgate_sandbox.listing import MOST_LOOKED_AT
from tillgate_sandbox.repository import KEEP_FOR
from tillgate_sandbox.stripe import clocks
from tillgate_sandbox.stripe.lists import PAGING, page_of
from tillgate_sandbox.stripe.parameters import read_whole, refuse_unknown
from tillgate_sandbox.stripe.refusals import StripeRefused, missing, no_such
from tillgate_sandbox.stripe.render import unix
from tillgate_sandbox.stripe.subscriptions import advance

_URL = "/v1/test_helpers/test_clocks"


async def create_clock(sandbox: Sandbox, ids: tuple[str, ...], given: JsonObject) -> JsonObject:
    """Make a clock; every subscription of the sandbox follows the latest one that was moved."""
    refuse_unknown(given, frozenset({"frozen_time", "name", "expand"}))
    clock = SandboxClock(
        id=f"clock_1{secrets.token_hex(12)[:23]}",
        name=text(given, "name"),
        frozen_time=_frozen(given),
        created_at=sandbox.clock.now(),
        purge_at=sandbox.clock.now() + KEEP_FOR,
    )
    await clocks.put_clock(clock)
    return _rendered(clock)


async def retrieve_clock(sandbox: Sandbox, ids: tuple[str, ...], given: JsonObject) -> JsonObject:
    """Read a clock."""
    return _rendered(await _found(ids[0]))


async def list_clocks(sandbox: Sandbox, ids: tuple[str, ...], given: JsonObject) -> JsonObject:
    """List the clocks."""
    refuse_unknown(given, PAGING)
    return page_of([_rendered(one) for one in await clocks.every_clock()], given, _URL)


async def advance_clock(sandbox: Sandbox, ids: tuple[str, ...], given: JsonObject) -> JsonObject:
    """Move a clock on: renewals, tries and ends until then happen, and are reported."""
    clock, until = await _found(ids[0]), _frozen(given)
    if until <= clock.frozen_time:
        raise StripeRefused("The frozen_time must be after the clock's own.", param="frozen_time")
    for checkout in await repository.subscriptions(MOST_LOOKED_AT):
        await advance(checkout, until, sandbox)
    moved: SandboxClock = clock.model_copy(update={"frozen_time": until})
    await clocks.put_clock(moved)
    return _rendered(moved)


async def delete_clock(sandbox: Sandbox, ids: tuple[str, ...], given: JsonObject) -> JsonObject:
    """Delete a clock; what it has moved stays moved."""
    clock = await _found(ids[0])
    await clocks.delete_clock(clock.id)
    return {"id": clock.id, "object": "test_helpers.test_clock", "deleted": True}


async def _found(clock_id: str) -> SandboxClock:
    clock = await clocks.find_clock(clock_id)
    if clock is None:
        raise no_such("test_clock", clock_id)
    return clock


def _frozen(given: JsonObject) -> int:
    at = read_whole(given, "frozen_time")
    if at is None:
        raise missing("frozen_time")
    return at


def _rendered(clock: SandboxClock) -> JsonObject:
    return {
        "id": clock.id,
        "object": "test_helpers.test_clock",
        "created": unix(clock.created_at),
        "deletes_after": unix(clock.purge_at),
        "frozen_time": clock.frozen_time,
        "livemode": False,
        "name": clock.name,
        "status": "ready",
        "status_details": {},
    }
