"""What is unusual of an hour, in a sentence. Pure."""

from zoneinfo import ZoneInfo

from service.analytics.operations.unusual import Unusual, What
from service.providers.registry import REGISTRY


def sentence_of(found: Unusual, zone: ZoneInfo) -> str:
    """Return what is unusual in a sentence: what it is, when, what is usual, and what was said."""
    at = f"at {found.at.astimezone(zone):%H:%M}"
    if found.what is What.VOLUME:
        moved = "fell" if found.count < found.band.middle else "rose"
        usual = f"{found.band.least:.0f} to {found.band.most:.0f}"
        return f"{_whose(found)} payments {moved} to {found.count} {at}, usually {usual}."
    least, most = found.band.least, found.band.most
    share = found.bad / found.count
    if found.what is What.ABANDONMENT:
        usual = f"{_percent(least)} to {_percent(most)} %"
        return f"Abandonment rose to {_percent(share)} % {at}, usually {usual}."
    usual = f"{_percent(1 - most)} to {_percent(1 - least)} %"
    fell = f"{_whose(found)} success fell to {_percent(1 - share)} % {at}, usually {usual}"
    return f"{fell}{_said(found)}."


def _said(found: Unusual) -> str:
    if not found.codes:
        return ""
    code, times = found.codes[0]
    says = "says" if times == 1 else "say"
    return f"; {times} of {found.bad} failures {says} `{code}`"


def _whose(found: Unusual) -> str:
    known = {str(name): one.traits.title for name, one in REGISTRY.items()}
    title = known.get(found.provider, found.provider)
    return f"{title}'" if title.endswith("s") else f"{title}'s"


def _percent(share: float) -> str:
    return f"{100 * share:.0f}"
