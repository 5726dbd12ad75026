"""What no job has read yet of a merchant's rows: each is read once, and kept until a run has it.

What is kept is as one committed transaction saw it.
"""

from bisect import bisect_right
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from contextlib import aclosing
from typing import Final, TypeAlias, TypeVar

from msgspec import Struct

from service.analytics.documents import FiguresState
from service.analytics.operations.deriving import FIELDS
from service.analytics.operations.folding import Gathered, gather
from service.analytics.operations.gathering import derived, newer
from service.analytics.operations.known_rows import KnownRows, SomeAreGone
from service.analytics.operations.sweeping import COMMITTED_WITHIN_S
from service.analytics.repository import facts, sources, versions
from service.analytics.repository.facts import Span
from service.analytics.repository.sources import Limited
from service.core.errors import Unavailable
from service.storage.database import EMPTY_TIME, WRITTEN_AT, DatabaseTime, Row, earlier
from service.storage.transaction import Transaction

MOST_UNREAD: Final = 80_000
"""How many rows that no job has read yet are added up for one answer."""
MANY_UNREAD: Final = 40_000
"""With so many a server has them read: `catching_up.py`."""
_AT_ONCE: Final = 2_000

T = TypeVar("T")
Times: TypeAlias = Mapping[str, DatabaseTime]


class Changed(Struct, frozen=True):
    """A fact that no job has written, and the one that it takes the place of."""

    fresh: Row
    stale: Row | None


class _Batch(Struct, frozen=True):
    """Rows of one collection that were read at once: when the latest was written, what they say."""

    source: str
    latest: DatabaseTime
    ids: Sequence[str]


class Unread:
    """The unread rows of a merchant as facts, and by how much these change what was added up.

    `changes` is the sum of all that is `counted`: each fact, less the one that it replaces.
    """

    def __init__(self, merchant_id: str) -> None:
        """Begin with nothing."""
        self.merchant_id = merchant_id
        self.state: FiguresState | None = None
        self.is_long = self._is_too_much = False
        self.forget()

    def __len__(self) -> int:
        """Return how many rows and facts are kept."""
        return max(sum(len(one) for one in self._rows.values()), len(self._derived))

    def forget(self) -> None:
        """Forget all; the next reading begins anew."""
        self.counted: dict[str, Changed] = {}
        self.changes: Gathered = {}
        self._rows = {source: KnownRows(source, self.merchant_id) for source in FIELDS}
        self._latest = EMPTY_TIME
        self._after: Times = {}
        self._run: tuple[int, Times] = (0, {})
        self._batches: list[_Batch] = []
        self._named: Counter[str] = Counter()
        self._derived: dict[str, Row] = {}
        self._known: dict[str, Row] = {}
        self._is_open = False

    def committed(self) -> None:
        """Note that the transaction which has read it is committed."""
        self._is_open = False

    def fresh(self, spans: Sequence[Span]) -> list[Row]:
        """Return the facts of some times that no job has written."""
        return _within([one.fresh for one in self.counted.values()], spans)

    def stale(self, spans: Sequence[Span]) -> list[str]:
        """Return which facts of some times are replaced by one that no job has written."""
        known = [one.stale for one in self.counted.values() if one.stale is not None]
        return [row["_id"] for row in _within(known, spans)]

    def currencies(self) -> set[str]:
        """Return the currencies that there is something unread in."""
        groups = (one for quarter in self.changes.values() for one in quarter.groups.items())
        return {alike[0] for alike, sums in groups if any(sums)}

    async def read(self, tx: Transaction) -> None:
        """Read what a transaction sees that is not known yet. Raises `Unavailable`.

        A transaction that begins anew may see less than before.
        """
        if self._is_open:
            self.forget()
        self._is_open = True
        self.state, newest = await versions.latest_of_each(self.merchant_id, tx)
        seen = self.state.seen if self.state else {}
        at = {one: earlier(seen.get(one, EMPTY_TIME), COMMITTED_WITHIN_S) for one in FIELDS}
        if any(at[one] < self._after.get(one, EMPTY_TIME) for one in at):
            self.forget()
        self._after = at
        run = (self.state.batches if self.state else 0, seen)
        if run != self._run:  # some of it may be written as facts now
            await self._drop_read(tx)
            self._run = run
        await self._read_changes(newest, tx)

    async def _drop_read(self, tx: Transaction) -> None:
        """Drop what a run has read, and see what is known of the rest now."""
        for source, rows in self._rows.items():
            rows.drop(self._after[source])
        over = [one for one in self._batches if one.latest <= self._after[one.source]]
        self._batches = [one for one in self._batches if one.latest > self._after[one.source]]
        for one in over:
            self._named.subtract(one.ids)
        left = {id_: self._derived[id_] for id_, n in self._named.items() if n}
        self._named = +self._named
        self.counted, self.changes = {}, {}
        self._derived, self._known = {}, {}
        for some in _split(list(left.values())):
            await self._count(some, tx)

    async def _read_changes(self, newest: Times, tx: Transaction) -> None:
        if self._is_too_much:
            await self._refuse_many(tx)
        latest = self._latest
        try:
            for source, rows in self._rows.items():
                after = self._after[source]
                if source in newest and rows.are_all(after, latest, newest[source]):
                    continue
                async with aclosing(rows.unknown(after, latest, tx)) as unknown:
                    async for some in unknown:
                        await self._read_rows(source, some, tx)
        except SomeAreGone:
            await self.read(tx)  # anew
            return
        self.is_long = len(self.counted) > MANY_UNREAD

    async def _refuse_many(self, tx: Transaction) -> None:
        """Count before anything is read, as it was too much before. Raises `Unavailable`."""
        limited = Limited(MOST_UNREAD + 1, tx.session)
        count = 0
        for source, after in self._after.items():
            count += await sources.count_written(source, self.merchant_id, after, limited)
        self._refuse(count)

    def _refuse(self, count: int) -> None:
        self._is_too_much = count > MOST_UNREAD
        if self._is_too_much:
            self.is_long = True
            raise Unavailable(
                "Figures are being made: very much was written since the last run. Ask again soon.",
                retry_after=10,
            )

    async def _read_rows(self, source: str, rows: Sequence[Row], tx: Transaction) -> None:
        self._refuse(len(self))
        latest: DatabaseTime = rows[-1][WRITTEN_AT]
        self._latest = max(self._latest, latest)
        found = await derived(source, self.merchant_id, rows, tx)
        said = {one["_id"]: one for one in found}
        self._batches.append(_Batch(source, latest, [*said]))
        self._named.update([*said])
        await self._count([*said.values()], tx)

    async def _count(self, found: Sequence[Row], tx: Transaction) -> None:
        """Count facts, in the place of what was counted of them before."""
        missing = [one["_id"] for one in found if one["_id"] not in self._derived]
        self._known |= await facts.by_ids(missing, tx) if missing else {}
        more: list[Row] = []
        less: list[Row] = []
        for one in found:
            id_ = one["_id"]
            self._derived[id_] = one
            if (before := self.counted.pop(id_, None)) is not None:
                _add(before, less, more)
            stale = self._known.get(id_)
            if (fresh := newer(one, stale)) is not None:
                self.counted[id_] = Changed(fresh, stale)
                _add(self.counted[id_], more, less)
        gather(self.changes, more)
        gather(self.changes, less, -1)


def _add(change: Changed, fresh: list[Row], stale: list[Row]) -> None:
    fresh.append(change.fresh)
    if change.stale is not None:
        stale.append(change.stale)


def _within(rows: Sequence[Row], spans: Sequence[Span]) -> list[Row]:
    """Return the facts of some times, which do not overlap."""
    if not spans:
        return []
    begins, ends = zip(*sorted(spans), strict=True)
    first, last = begins[0], ends[-1]
    found = [row for row in rows if first <= row["at"] < last]  # most are none of them
    return [row for row in found if row["at"] < ends[bisect_right(begins, row["at"]) - 1]]


def _split(some: Sequence[T]) -> Iterable[Sequence[T]]:
    return (some[n : n + _AT_ONCE] for n in range(0, len(some), _AT_ONCE))
