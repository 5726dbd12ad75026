"""What no job has read yet of a merchant's rows: each is read once, and kept until a run has it.

What is kept is as one committed transaction saw it. The next answer asks which rows were written
since, or within the seconds before the latest of them, in which a commit may still arrive, and
reads those that it doesn't know as they are.
"""

from bisect import bisect_right
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from itertools import takewhile
from typing import Final, TypeAlias, TypeVar

from msgspec import Struct

from service.analytics.documents import FiguresState
from service.analytics.operations.deriving import FIELDS
from service.analytics.operations.folding import Gathered, gather
from service.analytics.operations.gathering import derived, newer
from service.analytics.operations.sweeping import COMMITTED_WITHIN_S
from service.analytics.repository import facts, sources
from service.analytics.repository.facts import Span
from service.analytics.repository.sources import Between, Place, number_of
from service.core.errors import Unavailable
from service.storage.database import EMPTY_TIME, WRITTEN_AT, DatabaseTime, Row, earlier
from service.storage.transaction import Transaction

MOST_UNREAD: Final = 50_000
"""How many rows that no job has read yet are added up for one answer."""
MANY_UNREAD: Final = 30_000
"""With so many a server has them read: `catching_up.py`."""
_AT_ONCE: Final = 2_000
_FEW: Final = 500

T = TypeVar("T")
Times: TypeAlias = Mapping[str, DatabaseTime]
_Known: TypeAlias = tuple[Place, int]


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
        self.is_long = False
        self.forget()

    def __len__(self) -> int:
        """Return how many rows and facts are kept."""
        return max(len(self._rows), len(self._derived))

    def forget(self) -> None:
        """Forget all; the next reading begins anew."""
        self.counted: dict[str, Changed] = {}
        self.changes: Gathered = {}
        self._rows: dict[Place, int] = {}
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
        self.state = await facts.state_of(self.merchant_id, tx)
        seen = self.state.seen if self.state else {}
        at = {one: earlier(seen.get(one, EMPTY_TIME), COMMITTED_WITHIN_S) for one in FIELDS}
        if any(at[one] < self._after.get(one, EMPTY_TIME) for one in at):
            self.forget()
        self._after = at
        run = (self.state.batches if self.state else 0, seen)
        if run != self._run:  # some of it may be written as facts now
            await self._drop_read(tx)
            self._run = run
        await self._read_changes(tx)

    async def _drop_read(self, tx: Transaction) -> None:
        """Drop what a run has read, and see what is known of the rest now."""
        after = {source: number_of(at) for source, at in self._after.items()}
        self._rows = {at: time for at, time in self._rows.items() if time > after[at[0]]}
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

    async def _read_changes(self, tx: Transaction) -> None:
        found: dict[Place, int] = {}
        lately = self._lately()
        for source in FIELDS:
            changed = await self._changed(source, lately.get(source, ()), tx)
            if changed is None:
                # Something that was there is gone: a lead that was deleted, another database.
                await self.read(tx)  # anew
                return
            found |= changed
        if len(self) + len(found) > MOST_UNREAD:
            self.is_long = True
            raise Unavailable(
                "Figures are being made: very much was written since the last run. Ask again soon.",
                retry_after=10,
            )
        for source in FIELDS:
            for some in _split([one for one in found if one[0] == source]):
                await self._read_rows(source, some, tx)
        self.is_long = len(self.counted) > MANY_UNREAD

    async def _changed(
        self, source: str, lately: Sequence[_Known], tx: Transaction
    ) -> dict[Place, int] | None:
        """Return which rows of a collection are new or other than known; None: one is gone.

        A commit may still arrive of what was written within the seconds before the latest. Where
        many rows of these are known, their number and the sum of their times say whether one has:
        a row's time only rises.
        """
        within = Between(self._begins(source))
        limited = sources.Limited(MOST_UNREAD + 1, tx.session)
        after = number_of(within.after)
        known = [one for one in lately if one[1] > after]
        if len(known) > _FEW:
            later = Between(self._latest)
            found = await sources.changes(source, self.merchant_id, later, limited)
            # By what was found, of which there is less: a place takes a microsecond to look up.
            again = [time for one in found if (time := self._rows.get(one, 0)) > after]
            still, sum_ = len(known) - len(again), sum(time for _, time in known) - sum(again)
            until = Between(within.after, self._latest)
            count = await sources.count_changes(source, self.merchant_id, until, tx.session)
            if count == (still, sum_ - still * (within.after.time << 32)):
                return found
        found = await sources.changes(source, self.merchant_id, within, limited)
        if any(place not in found for place, _ in known):
            return None
        return {one: time for one, time in found.items() if self._rows.get(one) != time}

    def _begins(self, source: str) -> DatabaseTime:
        lately = earlier(self._latest, COMMITTED_WITHIN_S)
        return max(self._after[source], lately)

    def _lately(self) -> Mapping[str, Sequence[_Known]]:
        """Return the rows that are known and were written last, by collection."""
        after = number_of(earlier(self._latest, COMMITTED_WITHIN_S))
        found: dict[str, list[_Known]] = {}
        for one in takewhile(lambda one: one[1] > after, reversed(self._rows.items())):
            found.setdefault(one[0][0], []).append(one)
        return found

    async def _read_rows(self, source: str, places: Sequence[Place], tx: Transaction) -> None:
        ids = [id_ for _, id_ in places]
        rows = await sources.by_ids(source, self.merchant_id, ids, FIELDS[source], tx.session)
        latest = EMPTY_TIME
        for row in rows:
            place = source, row["_id"]
            self._rows.pop(place, None)  # in the order of their reading
            self._rows[place] = number_of(row[WRITTEN_AT])
            latest = max(latest, row[WRITTEN_AT])
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
