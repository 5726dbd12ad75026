"""One query for all that the works of a group have asked."""

from collections.abc import Iterable, Sequence
from typing import TypeAlias

from msgspec.structs import replace
from pymongo.asynchronous.client_session import AsyncClientSession

from service.storage.database import Collection, Row
from service.storage.transaction import LookUp, query_of

# Stands for every value until a row is found by it; nobody adds to it.
_NONE: list[Row] = []

Found: TypeAlias = dict[str, list[Row]]
"""The rows that each value finds."""

Place: TypeAlias = tuple[Found, tuple[str, ...]]
"""Where the rows of one look-up stand once they are read: at these values."""


class Merged:
    """What is asked of one collection; look-ups that are alike are put together in one branch."""

    def __init__(self, collection: Collection) -> None:
        """Begin with no question."""
        self.collection = collection
        self._branches: list[tuple[LookUp, Found]] = []

    def add(self, look_ups: Sequence[LookUp]) -> list[Place]:
        """Add look-ups, and give where their rows will stand."""
        places = []
        for one in look_ups:
            if one.values:
                found = self._branch_of(one)
                for value in one.values:
                    found.setdefault(value, _NONE)
                places.append((found, one.values))
        return places

    def _branch_of(self, look_up: LookUp) -> Found:
        for one, found in self._branches:
            if one.is_like(look_up):
                return found
        self._branches.append((look_up, {}))
        return self._branches[-1][1]

    def query(self) -> Row | None:
        """Return it in MongoDB's words; None where nothing is looked for."""
        return query_of(replace(one, values=tuple(found)) for one, found in self._branches)

    def enter(self, rows: Sequence[Row]) -> None:
        """Enter the rows by each value that finds them."""
        for one, found in self._branches:
            for row in rows:
                for value in one.values_in(row):
                    if value in found:
                        found[value] = [*found[value], row]


def rows_at(places: Iterable[Place]) -> list[Row]:
    """Return the rows that stand there, each once."""
    rows = {id(row): row for found, values in places for value in values for row in found[value]}
    return list(rows.values())


async def read_all(tx: AsyncClientSession, asked: Iterable[Merged]) -> None:
    """Read what is asked of several collections by one query, and enter it.

    A transaction has no `$unionWith`, and does one command at a time: a query for each collection
    would be a wait for each.
    """
    queries = [(one, query) for one in asked if (query := one.query()) is not None]
    if len(queries) == 1:
        merged, query = queries[0]
        merged.enter(await merged.collection.find(query, session=tx).to_list())
    elif queries:
        found = await _read_together(tx, queries)
        for merged, _ in queries:
            merged.enter(found[merged.collection.name])


async def _read_together(
    tx: AsyncClientSession, queries: Sequence[tuple[Merged, Row]]
) -> dict[str, list[Row]]:
    stages: list[Row] = [{"$documents": [{}]}]
    for merged, query in queries:
        name = merged.collection.name
        stages.append({"$lookup": {"from": name, "pipeline": [{"$match": query}], "as": name}})
    cursor = await queries[0][0].collection.database.aggregate(stages, session=tx)
    found: dict[str, list[Row]] = await cursor.next()
    return found
