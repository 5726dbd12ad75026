"""The zones of the world are there whatever the system has: a slim image may have none."""

import re
import sys
import zoneinfo
from collections.abc import Iterator
from pathlib import Path

import pytest

from service.core.errors import InvalidInput
from service.merchants import schemas
from service.web.wire import decode_wire_model

LOCK = Path(__file__).parents[2] / "requirements.lock"
# The older names are in a package of their own in Debian.
ZONES = ("UTC", "Asia/Kolkata", "America/New_York", "US/Eastern", "Asia/Kathmandu")


@pytest.fixture
def slim() -> Iterator[None]:
    """A system without zones."""
    zoneinfo.reset_tzpath(to=())
    schemas._zones.cache_clear()
    yield
    zoneinfo.reset_tzpath()
    schemas._zones.cache_clear()


@pytest.mark.usefixtures("slim")
@pytest.mark.parametrize("zone", ZONES)
def test_a_zone_is_known_by_the_package_alone(zone: str) -> None:
    sent = {"name": "Shop", "zone": zone}
    assert decode_wire_model(schemas.PutMerchant, sent).model_dump()["zone"] == zone
    assert zoneinfo.ZoneInfo.no_cache(zone).key == zone


@pytest.mark.usefixtures("slim")
def test_control_without_the_package_there_is_none(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "tzdata", None)
    with pytest.raises(InvalidInput, match="must be a time zone"):
        decode_wire_model(schemas.PutMerchant, {"name": "Shop", "zone": "Asia/Kolkata"})


def test_the_image_installs_it_on_every_system() -> None:
    """It was locked for Windows alone, as a need of another package."""
    assert re.search(r"^tzdata==[\d.]+ \\$", LOCK.read_text(), re.MULTILINE)
