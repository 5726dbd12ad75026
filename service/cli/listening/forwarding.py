"""Forward events to a developer's machine, signed as a webhook endpoint's are."""

import base64
import hashlib
import hmac
import time
from datetime import UTC, datetime

import httpx
import msgspec
from msgspec import Struct
from standardwebhooks import Webhook

from service.cli.listening.hearing import Heard

_FORWARDED_WITHIN_S = 30.0


class _Named(Struct, frozen=True):
    id: str


def secret_for(key: str) -> str:
    """Return the secret to sign with: the same for a key each time, so that it is set up once."""
    made = hmac.digest(key.encode(), b"tillgate listen", hashlib.sha256)
    return f"whsec_{base64.b64encode(made).decode()}"


def signed(heard: Heard, secret: str, now: datetime) -> dict[str, str]:
    """Return the headers of a delivery, by the rules of Standard Webhooks."""
    event_id = name_of(heard)
    return {
        "Content-Type": "application/json",
        "User-Agent": "tillgate-listen",
        "webhook-id": event_id,
        "webhook-timestamp": str(int(now.timestamp())),
        "webhook-signature": Webhook(secret).sign(event_id, now, heard.body.decode()),
    }


def name_of(heard: Heard) -> str:
    """Return the id of an event."""
    return msgspec.json.decode(heard.body, type=_Named).id


async def forward(client: httpx.AsyncClient, url: str, heard: Heard, secret: str) -> str:
    """Post an event, once; return what came of it in words."""
    began = time.monotonic()
    headers = signed(heard, secret, datetime.now(UTC))
    try:
        answer = await client.post(
            url, content=heard.body, headers=headers, timeout=_FORWARDED_WITHIN_S
        )
    except httpx.HTTPError as error:
        return f"not forwarded: {type(error).__name__}"
    return f"{answer.status_code} in {(time.monotonic() - began) * 1000:.0f} ms"
