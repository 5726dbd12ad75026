"""How Stripe lists: the newest first, page by page, in both directions.

https://docs.stripe.com/api/pagination. Backwards, a page has what stands right before an object,
and `has_more` is about what stands before the page.
"""

from collections.abc import Iterable, Sequence

from msgspec import Struct

from service.core.strict_json import JsonObject, JsonValue
from service.providers.reading import inner, text, whole
from tillgate_sandbox.listing import Span, Within
from tillgate_sandbox.stripe.parameters import read_whole, refuse_unknown
from tillgate_sandbox.stripe.refusals import StripeRefused, no_such

PAGING = frozenset({"limit", "starting_after", "ending_before", "expand"})
"""What every list takes."""


class Cursor(Struct, frozen=True):
    """Which page: so many objects after the one of an id, or `backwards` those before it."""

    limit: int
    id: str | None = None
    backwards: bool = False

    @property
    def param(self) -> str:
        """Return the name of the parameter that has the id."""
        return "ending_before" if self.backwards else "starting_after"

    def span(self) -> Span:
        """Return what to ask the database for: one more, to see whether there are more."""
        return Span(self.limit + 1, newer=self.backwards)


def read_cursor(given: JsonObject) -> Cursor:
    """Read which page is asked for: 1 to 100 objects, by default 10. Raises `StripeRefused`."""
    asked = text(given, "limit") or "10"
    if not asked.isdecimal() or not 1 <= int(asked) <= 100:
        raise StripeRefused("This value must be between 1 and 100.", param="limit")
    after, before = text(given, "starting_after"), text(given, "ending_before")
    if after is not None and before is not None:
        message = "Received both starting_after and ending_before parameters."
        raise StripeRefused(f"{message} Please pass in only one.")
    return Cursor(int(asked), after or before, before is not None)


def read_created(given: JsonObject) -> Within:
    """Read the times that are asked for: one, or `created[gte]` and the like."""
    if isinstance(given.get("created"), str):
        at = read_whole(given, "created")
        return Within(at, at)
    created = inner(given, "created")
    refuse_unknown(created, frozenset({"gt", "gte", "lt", "lte"}))
    told = {name: read_whole(created, name, f"created[{name}]") for name in created}
    since = [at for at in (told.get("gte"), _next(told.get("gt"), 1)) if at is not None]
    until = [at for at in (told.get("lte"), _next(told.get("lt"), -1)) if at is not None]
    return Within(max(since, default=None), min(until, default=None))


def page(rows: Sequence[JsonObject], cursor: Cursor, url: str) -> JsonObject:
    """Return a page of the rows of its span: the one more is left out, and told of."""
    kept = rows[-cursor.limit :] if cursor.backwards else rows[: cursor.limit]
    data: list[JsonValue] = [*kept]
    return {"object": "list", "data": data, "has_more": len(rows) > cursor.limit, "url": url}


def page_of(
    found: Iterable[JsonObject], given: JsonObject, url: str, filters: Iterable[str] = ()
) -> JsonObject:
    """Return the page that is asked for of a whole list, which may come in any order.

    `filters` are parameters that a field of this name must equal. Raises `StripeRefused`.
    """
    cursor, made = read_cursor(given), read_created(given)
    wanted = {name: given[name] for name in filters if text(given, name) is not None}
    kept = [
        one
        for one in found
        if made.holds(_created(one)) and all(one.get(name) == wanted[name] for name in wanted)
    ]
    kept.sort(key=_created, reverse=True)
    return page(around(kept, cursor, url), cursor, url)


def around(found: Sequence[JsonObject], cursor: Cursor, url: str) -> Sequence[JsonObject]:
    """Return the part of a whole list that a page is made of. Raises `StripeRefused`."""
    if cursor.id is None:
        return found[: cursor.limit + 1]
    places = [place for place, one in enumerate(found) if one["id"] == cursor.id]
    if not places:
        kind = url.rpartition("/")[2].removesuffix("s")
        raise no_such(kind, cursor.id, cursor.param)
    if cursor.backwards:
        return found[max(0, places[0] - cursor.limit - 1) : places[0]]
    return found[places[0] + 1 : places[0] + cursor.limit + 2]


def _next(at: int | None, step: int) -> int | None:
    return None if at is None else at + step


def _created(one: JsonObject) -> int:
    return whole(one, "created") or 0
