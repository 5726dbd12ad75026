"""A rebuild that is killed is gone on with, and ends with equal documents."""

import time
from collections.abc import Callable, Iterator
from datetime import timedelta
from typing import Any

import pytest

from service.payments.payments.documents import Payment
from tests.cli.test_commands import Shop
from tests.cli.test_figures import PAID
from tests.conftest import NOON
from tests.support.patience import IN_TIME

QUARTERS = 3_000


@pytest.fixture
def shop(tmp_path_factory: pytest.TempPathFactory, mongo_uri: str) -> Iterator[Shop]:
    """A shop that sold something in each of many quarter-hours, and has it added up."""
    made = Shop(tmp_path_factory.mktemp("rebuilt"), mongo_uri)
    made.ok("indexes", "apply")
    rows = []
    for n in range(QUARTERS):
        at = NOON - timedelta(minutes=15 * n)
        times = dict.fromkeys(("createdAt", "updatedAt", "statusAt", "firstAt"), at)
        row = Payment.new_row(PAID | times | {"providerPaymentId": f"pi_{n}"})
        rows.append({name: value for name, value in row.items() if name != "_id"})
    made.database["payments"].insert_many(rows)
    made.ok("figures", "refresh")
    yield made
    made.close()


def _documents(shop: Shop) -> dict[str, list[dict[str, Any]]]:
    """Return all roll-ups, days and months, as they are stored, but for their own ids."""
    found = {}
    for name in ("rollups", "rollup_days", "rollup_months"):
        rows = shop.database[name].find({}, {"_id": 0})
        found[name] = rows.sort([("bucket", 1), ("currency", 1)]).to_list()
    return found


def _left(shop: Shop) -> int:
    return shop.database["figures_dirty"].count_documents({})


def _wait(until: Callable[[], bool]) -> None:
    ends = time.monotonic() + IN_TIME
    while not until():
        assert time.monotonic() < ends


def _spoil(shop: Shop) -> None:
    """Have something be wrong everywhere, so that a rebuild has something to mend."""
    shop.database["rollups"].update_many({}, {"$set": {"totals": {"paid": 77}}})
    shop.database["rollup_days"].delete_many({})
    shop.database["rollup_months"].update_many({}, {"$set": {"totals": {"paid": 78}}})


@pytest.mark.soak
def test_a_rebuild_that_is_killed_goes_on_and_ends_with_equal_documents(shop: Shop) -> None:
    """Soak: by the command, of a month; `tests/analytics/test_any_order.py` has it of a few."""
    before = _documents(shop)
    assert len(before["rollups"]) == QUARTERS
    assert before["rollup_months"]
    _spoil(shop)
    rebuilding = shop.begin("figures", "rebuild")
    _wait(lambda: _left(shop) == QUARTERS)
    _wait(lambda: _left(shop) < QUARTERS)
    rebuilding.kill()
    rebuilding.wait()
    left = _left(shop)
    assert 0 < left < QUARTERS
    assert _documents(shop) != before  # the control: what was spoiled is not mended yet
    shop.database["leases"].delete_many({})  # it would be over in a minute
    told = shop.run("figures", "rebuild").stderr
    assert f"It goes on: {QUARTERS - left} of {QUARTERS} quarter-hours" in told
    assert _left(shop) == 0
    assert _documents(shop) == before
    _spoil(shop)
    assert "Nothing is left to add up." in shop.run("figures", "rebuild").stderr
    assert _documents(shop) == before
