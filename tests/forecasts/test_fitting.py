"""What is forecast covers what came about as often as it says; a wrong season is worse."""

import random
import sys

import pytest

from service.core.errors import Unavailable
from service.forecasts.operations.process import fitter
from service.forecasts.states import FEWEST, HORIZON, Expected, Wanted, refusal_of

_SHAPE = (1.0, 0.8, 0.75, 0.9, 1.1, 1.5, 1.3)
_SERIES = 16


def _series(seed: int, days: int = 200, level: int = 100_000) -> list[int]:
    """Return days with a weekly shape, some growth, and chance."""
    draw = random.Random(seed)  # noqa: S311 - no secret
    return [
        round(level * _SHAPE[n % 7] * (1 + 0.001 * n) + draw.gauss(0, 0.12 * level))
        for n in range(days)
    ]


async def _forecast(season: int) -> list[tuple[Expected, int]]:
    """Return each day that was forecast, beside what came."""
    found: list[tuple[Expected, int]] = []
    async with fitter() as fit:
        for seed in range(_SERIES):
            values = _series(seed)
            made = await fit(Wanted(values[:-HORIZON], season))
            assert f"season of {season} days" in made.method
            found += zip(made.days, values[-HORIZON:], strict=True)
    return found


def _missed(found: list[tuple[Expected, int]]) -> float:
    return sum(abs(day.middle - came) for day, came in found) / len(found)


async def test_intervals_cover_as_often_as_they_say_and_a_wrong_season_is_worse() -> None:
    found = await _forecast(7)
    assert len(found) == _SERIES * HORIZON
    in80 = sum(day.low80 <= came <= day.high80 for day, came in found) / len(found)
    in95 = sum(day.low95 <= came <= day.high95 for day, came in found) / len(found)
    assert 0.70 <= in80 <= 0.88
    assert 0.89 <= in95 <= 0.99
    assert all(day.low95 <= day.low80 <= day.middle <= day.high80 <= day.high95 for day, _ in found)
    wrong = await _forecast(5)
    assert _missed(wrong) > 2 * _missed(found)


async def test_small_numbers_losses_and_gaps_are_forecast() -> None:
    """Yen have no minor units, a day may lose money, and a shop may be shut for a week."""
    yen = [round(one / 10_000) for one in _series(3)]
    losses = [one - 120_000 for one in _series(4)]
    shut = [0 if 60 <= n < 67 or n % 7 == 6 else one for n, one in enumerate(_series(5))]
    async with fitter() as fit:
        for values in (yen, losses, shut):
            made = await fit(Wanted(values))
            assert len(made.days) == HORIZON
            assert min(values) - 60_000 <= made.days[0].middle <= max(values) + 60_000
        sundays = [day for n, day in enumerate(made.days) if (len(shut) + n) % 7 == 6]
        others = [day for n, day in enumerate(made.days) if (len(shut) + n) % 7 != 6]
    assert max(day.middle for day in sundays) < min(day.middle for day in others)


async def test_a_series_that_ends_the_process_holds_up_no_other_and_servers_load_nothing() -> None:
    async with fitter() as fit:
        with pytest.raises(Unavailable, match="ended"):
            await fit(Wanted([1], season=1))
        with pytest.raises(Unavailable, match="ended"):  # the control: it is this series
            await fit(Wanted([1], season=1))
        assert len((await fit(Wanted(_series(6)))).days) == HORIZON
    assert "statsmodels" not in sys.modules


@pytest.mark.parametrize(
    ("values", "says"),
    [
        ([], "0 whole days"),
        ([*range(FEWEST - 1)], "55 whole days are known, and 56 are needed"),
        ([0] * 100, "came to the same"),
        ([*range(FEWEST)], None),
    ],
)
def test_of_too_little_nothing_is_forecast(values: list[int], says: str | None) -> None:
    refused = refusal_of(values)
    assert refused == says if says is None else says in str(refused)
