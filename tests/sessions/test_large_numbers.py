"""Numbers beyond 32 bits, which the driver reads as a type of its own, are numbers everywhere."""

import re
from pathlib import Path
from typing import Any

import msgspec
import pytest
from bson import decode, encode

from service.core.json_text import to_json
from tests.analytics.test_now import asked, roll_up
from tests.notifications.telling import endpoint, fan_out
from tests.support.api import ADMIN
from tests.support.shop import Shop

SERVICE = Path(__file__).parents[2] / "service"
RUPIAH = 3_000_000_000
METADATA = {"cartMadeAt": 1_732_000_000_000, "deep": {"list": [RUPIAH, -RUPIAH]}}
WRITES = re.compile(r"msgspec\.json\.(?:encode|Encoder)\(")
OF_THEIR_OWN = {
    "cli/commands/intents.py": "prints a view, of plain numbers",
    "cli/commands/recovery.py": "prints a view, of plain numbers",
    "core/json_text.py": "the one place",
    "reports/operations/building.py": "what is hashed, of plain numbers",
    "sessions/schemas/requests.py": "what is hashed, of a request",
    "web/docs/openapi.py": "of the code",
    "web/logs/setup.py": "writes what it does not know as text",
}


@pytest.mark.parametrize(
    ("amount", "metadata"), [(RUPIAH, {}), (1000, METADATA)], ids=["amount", "metadata"]
)
async def test_a_session_with_one_is_read_changed_completed_and_told(
    shop: Shop, amount: int, metadata: dict[str, Any]
) -> None:
    await endpoint(shop, "http://127.0.0.1:9/hook")
    session = await shop.api.open(sessionId="s-1", amount=amount, metadata=metadata)
    assert await shop.api.read("s-1") == session
    body = {"sessionId": "s-1", "metadata": {"more": 1}}
    changed = await shop.api.call("PATCH", "/api/payment-sessions", json=body)
    assert changed.status_code == 200
    told = await shop.api.told(shop.stripe_paid(session))
    assert told["outcome"] == "processed"
    read = await shop.api.read("s-1")
    assert (read["status"], read["metadata"]) == ("completed", metadata | {"more": 1})
    await fan_out(shop)
    assert await shop.database["webhook_deliveries"].count_documents({"status": "pending"}) == 2


async def test_figures_and_files_have_them(shop: Shop) -> None:
    session = await shop.api.open(sessionId="s-1", amount=RUPIAH, metadata=METADATA)
    assert (await shop.api.told(shop.stripe_paid(session)))["outcome"] == "processed"
    shop.pass_time(minutes=1)
    await roll_up(shop)
    realtime = await asked(shop, "realtime", currency="INR")
    assert [one["amount"] for one in realtime["metrics"]["live"]["recentPayments"]] == [RUPIAH]
    overview = await asked(shop, "overview", currency="INR")
    assert overview["overview"]["revenue"]["total"] == RUPIAH
    for form in ("csv", "json"):
        params = {"format": form, "includeMetadata": True}
        path = "/api/v1/analytics/exports/transactions"
        file = await shop.api.call("GET", path, ADMIN, params=params)
        assert str(METADATA["cartMadeAt"]) in file.text


def test_json_is_written_in_one_place() -> None:
    found = {
        str(path.relative_to(SERVICE))
        for path in SERVICE.rglob("*.py")
        if WRITES.search(path.read_text())
    }
    assert found == {*OF_THEIR_OWN}


def test_they_are_written_as_what_they_are() -> None:
    """The control: msgspec alone does not know the driver's type."""
    read = decode(encode({"large": RUPIAH, "small": 1}))
    assert msgspec.json.decode(to_json(read)) == {"large": RUPIAH, "small": 1}
    with pytest.raises(TypeError):
        msgspec.json.encode(read)
    with pytest.raises(TypeError):
        to_json(object())
