"""Any order of what is seen, of time, of closing by hand: one open at most, each told of and ended.

The oracle is a list of what was told: it knows no document.
"""

from collections import Counter
from datetime import timedelta
from typing import Any

from hypothesis import HealthCheck, given, seed, settings
from hypothesis import strategies as st

from service.core.principal import Kind, Principal
from service.notifications.alerts.operations.agree import agree
from service.notifications.alerts.operations.browse import open_alerts
from service.notifications.alerts.operations.close import close_alert
from service.notifications.alerts.operations.condition import Sighting
from service.notifications.alerts.states import OVER_AFTER
from service.stored import DOCUMENTS
from tests.notifications.alerts.watching import alerts, seen_at
from tests.support.emptied import emptied
from tests.support.shop import Shop

SOMEBODY = Principal(Kind.ADMIN, "default", "0" * 12, "somebody")
_SUBJECTS = ("a", "b")
_STEPS = st.lists(
    st.one_of(
        st.tuples(st.just("look"), st.sets(st.sampled_from(_SUBJECTS))),
        st.tuples(st.just("look"), st.sets(st.sampled_from(_SUBJECTS))),
        st.tuples(st.just("wait"), st.sampled_from([1, 14, 15, 61, 400, 1500])),
        st.tuples(st.just("close"), st.sampled_from(_SUBJECTS)),
    ),
    min_size=3,
    max_size=14,
)


class World:
    """Alerts of one rule, and what was told of them."""

    def __init__(self, shop: Shop) -> None:
        self.shop = shop
        self.broken: list[str] = []
        self._dismissed: set[str] = set()
        self._last: dict[str, Any] = {}

    async def look(self, subjects: set[str]) -> None:
        """See these."""
        now = self.shop.clock.now()
        await seen_at(self.shop, *(Sighting("x", one) for one in sorted(subjects)))
        for one in _SUBJECTS:
            if one in subjects:
                self._last[one] = now
            elif one in self._last and now - self._last[one] >= OVER_AFTER:
                self._dismissed.discard(one)
        await self.judge(subjects)

    async def wait(self, minutes: int) -> None:
        """Let time pass."""
        self.shop.pass_time(minutes=minutes)

    async def close(self, subject: str) -> None:
        """Close one by hand, if it is open."""
        for alert in await open_alerts(None, 10):
            if alert.subject == subject:
                await close_alert(alert, "seen", SOMEBODY, self.shop.clock)
                self._dismissed.add(subject)

    async def judge(self, subjects: set[str]) -> None:
        """Hold what stands against what was seen."""
        standing = Counter(
            (row["subject"], row["status"])
            for row in await alerts(self.shop)
            if row["status"] != "closed"
        )
        for one in _SUBJECTS:
            open_, dismissed = standing[one, "open"], standing[one, "dismissed"]
            if open_ + dismissed > 1:
                self.broken.append(f"{one} stands {open_ + dismissed} times")
            if one in subjects and open_ != (one not in self._dismissed):
                self.broken.append(f"{one} is seen: {open_} open, dismissed: {self._dismissed}")

    async def end(self) -> None:
        """Let all of it be over, and count what was told."""
        self.shop.clock.advance(OVER_AFTER + timedelta(days=1))
        await agree("lamp", (), self.shop.clock.now(), None)
        rows = await alerts(self.shop)
        if {row["status"] for row in rows} - {"closed"}:
            self.broken.append("something stands for ever")
        ids = sorted(row["_id"] for row in rows)
        for kind in ("opened", "closed"):
            named = [one["payload"]["alertId"] for one in await self.shop.messages(f"alert.{kind}")]
            if sorted(named) != ids:
                self.broken.append(f"{kind} was told of {len(named)} of {len(ids)}")


async def _play(shop: Shop, steps: list[tuple[str, Any]]) -> list[str]:
    await emptied(shop.database, DOCUMENTS)
    world = World(shop)
    for name, given_to_it in steps:
        await getattr(world, name)(given_to_it)
    await world.end()
    return world.broken


_RUN = settings(
    deadline=None,
    database=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)


@seed(15)
@settings(_RUN, max_examples=25)
@given(steps=_STEPS)
async def test_there_is_one_open_at_most_and_a_closing_for_each_opening(
    shop: Shop, steps: list[tuple[str, Any]]
) -> None:
    assert await _play(shop, steps) == []


async def test_control_an_alert_that_is_taken_away_is_noticed(shop: Shop) -> None:
    await emptied(shop.database, DOCUMENTS)
    world = World(shop)
    await world.look({"a"})
    await shop.database["alerts"].delete_many({})
    await world.judge({"a"})
    await world.end()
    assert world.broken == [
        "a is seen: 0 open, dismissed: set()",
        "opened was told of 1 of 0",
    ]
