"""Calls about events (https://docs.stripe.com/api/events)."""

from msgspec.structs import replace

from service.core import strict_json
from service.core.strict_json import JsonObject
from service.providers.reading import text
from service.storage.database import Row
from tillgate_sandbox import listing, repository
from tillgate_sandbox.base import Sandbox
from tillgate_sandbox.documents import SandboxEvent
from tillgate_sandbox.listing import MOST_LOOKED_AT
from tillgate_sandbox.stripe.lists import PAGING, page, read_created, read_cursor
from tillgate_sandbox.stripe.parameters import refuse_unknown
from tillgate_sandbox.stripe.refusals import no_such

_TAKES = PAGING | {"created", "delivery_success", "type", "types"}


async def retrieve_event(sandbox: Sandbox, ids: tuple[str, ...], given: JsonObject) -> JsonObject:
    """Read an event."""
    return _rendered(await _found(ids[0], "id"))


async def list_events(sandbox: Sandbox, ids: tuple[str, ...], given: JsonObject) -> JsonObject:
    """List events, newest first: by `type`, `types[]`, `created` and `delivery_success`.

    `delivery_success=false` gives those that no delivery has brought home yet
    (https://docs.stripe.com/webhooks/process-undelivered-events).
    """
    refuse_unknown(given, _TAKES)
    cursor, kinds, span = read_cursor(given), _types(given), read_cursor(given).span()
    if cursor.id is not None:
        near = await _found(cursor.id, cursor.param)
        span = replace(span, at=near.created_at, id=near.id)
    wanted: Row = read_created(given).wanted() | ({"type": {"$in": kinds}} if kinds else {})
    delivered = text(given, "delivery_success")
    if delivered is not None:
        span = replace(span, limit=MOST_LOOKED_AT)
    found = await listing.list_events("stripe", wanted, span)
    if delivered is not None:
        arrived = await listing.delivered_events([event.id for event in found])
        found = [event for event in found if (event.id in arrived) == (delivered == "true")]
    return page([_rendered(event) for event in found], cursor, "/v1/events")


async def _found(event_id: str, param: str) -> SandboxEvent:
    event = await repository.find_event(event_id)
    if event is None or event.provider != "stripe":
        raise no_such("event", event_id, param)
    return event


def _rendered(event: SandboxEvent) -> JsonObject:
    body = strict_json.parse(event.body)
    return body if isinstance(body, dict) else {}


def _types(given: JsonObject) -> list[str]:
    kind, kinds = text(given, "type"), given.get("types")
    if kind is not None:
        return [kind]
    return [one for one in kinds if isinstance(one, str)] if isinstance(kinds, list) else []
