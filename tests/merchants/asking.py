"""What is asked about merchants, by operators and by their own keys."""

from typing import Any

from httpx import Response

from service.core.principal import Kind
from tests.support.keys import issue_key
from tests.support.shop import Shop

PATH = "/api/admin/merchants"
PROFILE: dict[str, Any] = {
    "name": "Alpha",
    "zone": "Asia/Kolkata",
    "defaultCurrency": "INR",
    "mailSender": "billing@alpha.example",
    "mailRecipients": ["ann@alpha.example"],
    "leadDigest": True,
    "language": "de",
    "logo": "https://alpha.example/logo.png",
    "returnOrigins": ["https://alpha.example"],
    "alertsOff": ["provider_silent"],
}


async def keys_of(shop: Shop, merchant: str = "alpha") -> dict[Kind, str]:
    """Make a merchant, and a key of each kind that it may have."""
    kinds = (Kind.PUBLISHABLE, Kind.SECRET, Kind.ADMIN)
    return {
        kind: (await issue_key(shop.clock, kind, merchant_id=merchant, name="night")).key
        for kind in kinds
    }


async def put(shop: Shop, merchant: str = "alpha", **fields: Any) -> Response:
    """Set a merchant as an operator."""
    return await shop.admin("PUT", f"/merchants/{merchant}", json=PROFILE | fields)


async def suspend(shop: Shop, merchant: str = "alpha") -> None:
    """Suspend a merchant as an operator."""
    body = {"reason": "ticket 4711"}
    answer = await shop.admin("POST", f"/merchants/{merchant}/suspend", json=body)
    assert answer.status_code == 200, answer.text


async def resume(shop: Shop, merchant: str = "alpha") -> None:
    """End a suspension as an operator."""
    answer = await shop.admin("POST", f"/merchants/{merchant}/resume")
    assert answer.status_code == 200, answer.text
