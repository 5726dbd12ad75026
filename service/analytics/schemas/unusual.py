"""What goes over the wire about hours that are unlike others."""

from collections.abc import Sequence
from datetime import datetime

from msgspec import Struct

from service.analytics.operations.figures import percent
from service.analytics.operations.saying import sentence_of
from service.analytics.operations.services import Shown
from service.analytics.operations.unusual import WEEKS, Unusual, What
from service.analytics.schemas.common import FiguresAnswer
from service.core.views import view_of


class AnomalyReason(Struct, frozen=True, rename="camel", kw_only=True):
    """How many of an hour's failures say so."""

    reason: str
    count: int


class AnomalyLine(Struct, frozen=True, rename="camel", kw_only=True):
    """Something of an hour outside its band.

    `value` is the success rate or the abandonment in percent, or how many payments there were. It
    is outside of `low` to `high`; in most weeks it was from `usualLow` to `usualHigh`. `count` are
    the payments or sessions that it is of.
    """

    metric: str
    provider: str | None
    hour: datetime
    value: float
    low: float
    high: float
    usual_low: float
    usual_high: float
    count: int
    reasons: list[AnomalyReason]
    sentence: str


class AnomaliesAnswer(FiguresAnswer, frozen=True, rename="camel", kw_only=True):
    """Hours of the last days that are unlike the same hours of the weeks before, latest first."""

    days: int
    weeks: int
    anomalies: list[AnomalyLine]


def anomalies_answer(shown: Shown, days: int, found: Sequence[Unusual]) -> AnomaliesAnswer:
    """Show what is unusual."""
    lines = [_line(shown, one) for one in found]
    return view_of(AnomaliesAnswer, shown, days=days, weeks=WEEKS, anomalies=lines)


def _line(shown: Shown, found: Unusual) -> AnomalyLine:
    band = found.band
    low, high, usual_low, usual_high = (
        _shown(found.what, one) for one in (band.low, band.high, band.least, band.most)
    )
    # A success rate is what is left of the failures, so its band is turned around.
    turned = found.what is What.SUCCESS
    return AnomalyLine(
        metric=found.what.value,
        provider=found.provider or None,
        hour=found.at,
        value=_value(found),
        low=high if turned else low,
        high=low if turned else high,
        usual_low=usual_high if turned else usual_low,
        usual_high=usual_low if turned else usual_high,
        count=found.count,
        reasons=[AnomalyReason(reason=code, count=times) for code, times in found.codes],
        sentence=sentence_of(found, shown.zone),
    )


def _value(found: Unusual) -> float:
    if found.what is What.VOLUME:
        return found.count
    part = found.count - found.bad if found.what is What.SUCCESS else found.bad
    return percent(part, found.count)


def _shown(what: What, end: float) -> float:
    if what is What.VOLUME:
        return round(end, 2)
    return round(100 * (1 - end if what is What.SUCCESS else end), 2)
