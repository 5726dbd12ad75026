"""Which rows of a collection are known as they are, and those that a transaction sees beside them.

What is committed late is written within the seconds before the latest row that is known. So these
are looked at again, by the index alone.
"""

from collections.abc import AsyncGenerator, Sequence
from typing import Final, TypeAlias

from service.analytics.operations.deriving import FIELDS
from service.analytics.operations.sweeping import COMMITTED_WITHIN_S
from service.analytics.repository import sources
from service.analytics.repository.sources import Between, number_of
from service.storage.database import WRITTEN_AT, DatabaseTime, Row, earlier
from service.storage.transaction import Transaction

_AT_ONCE: Final = 2_000
_FEW: Final = 500

_Known: TypeAlias = tuple[object, int]


class SomeAreGone(Exception):
    """A row that was there is not any more."""


class KnownRows:
    """The rows of a merchant's collection that are known, by when each was written."""

    def __init__(self, source: str, merchant_id: str) -> None:
        """Begin with none."""
        self.source = source
        self.merchant_id = merchant_id
        self._times: dict[object, int] = {}
        self._lately: list[_Known] = []

    def __len__(self) -> int:
        """Return how many are known."""
        return len(self._times)

    def drop(self, after: DatabaseTime) -> None:
        """Drop those that were not written after a time."""
        least = number_of(after)
        self._times = {id_: time for id_, time in self._times.items() if time > least}

    def are_all(self, after: DatabaseTime, latest: DatabaseTime, newest: DatabaseTime) -> bool:
        """Return whether `unknown` would find nothing, as the newest row was written then."""
        begins = max(after, earlier(latest, COMMITTED_WITHIN_S))
        least = number_of(begins)
        return newest <= begins and not any(one[1] > least for one in self._lately)

    async def unknown(
        self, after: DatabaseTime, latest: DatabaseTime, tx: Transaction
    ) -> AsyncGenerator[Sequence[Row], None]:
        """Yield the rows that were written after a time and are not known, and know them.

        Some at once, the oldest of these first. `latest`: when the latest row of all collections
        was written that was known before. Raises `SomeAreGone`.
        """
        begins = max(after, earlier(latest, COMMITTED_WITHIN_S))
        least = number_of(begins)
        known = self._lately = [one for one in self._lately if one[1] > least]
        replaced: list[int] = []
        later, fields = max(after, latest), FIELDS[self.source]
        found = sources.written(self.source, self.merchant_id, later, fields, tx.session)
        while rows := await found.to_list(_AT_ONCE):
            replaced += self._note(rows)
            yield rows
        if begins < latest:
            again = [time for time in replaced if time > least]
            missed = await self._missed(Between(begins, latest), known, again, tx)
            for n in range(0, len(missed), _AT_ONCE):
                rows = await self._by_ids(missed[n : n + _AT_ONCE], tx)
                replaced += self._note(rows)
                yield rows
        if replaced:
            self._lately = [one for one in self._lately if self._times.get(one[0]) == one[1]]

    async def _by_ids(self, ids: Sequence[object], tx: Transaction) -> list[Row]:
        fields = FIELDS[self.source]
        rows = await sources.by_ids(self.source, self.merchant_id, ids, fields, tx.session)
        return sorted(rows, key=lambda row: number_of(row[WRITTEN_AT]))

    def _note(self, rows: Sequence[Row]) -> list[int]:
        """Know some rows; return when those of them were written that were known before."""
        times, replaced, lately = self._times, [], []
        for row in rows:
            id_, time = row["_id"], number_of(row[WRITTEN_AT])
            if (before := times.get(id_)) is not None:
                replaced.append(before)
            times[id_] = time
            lately.append((id_, time))
        self._lately = self._lately + lately
        return replaced

    async def _missed(
        self, within: Between, known: Sequence[_Known], again: Sequence[int], tx: Transaction
    ) -> list[object]:
        """Return which rows that were written within a time are not known as they are.

        Where many of these are known, their number and the sum of their times say whether there is
        any, less those that were written `again` since: a row's time only rises.
        """
        if len(known) > _FEW:
            count = await sources.count_changes(self.source, self.merchant_id, within, tx.session)
            still, sum_ = len(known) - len(again), sum(time for _, time in known) - sum(again)
            if count == (still, sum_ - still * (within.after.time << 32)):
                return []
        found = await sources.changes(self.source, self.merchant_id, within, tx.session)
        if any(id_ not in found and self._times[id_] == time for id_, time in known):
            raise SomeAreGone
        return [id_ for id_, time in found.items() if self._times.get(id_) != time]
