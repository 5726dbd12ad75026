"""Webhook endpoints for the bench, and what is due to them."""

import asyncio
import json
from collections.abc import Sequence
from datetime import timedelta
from typing import Any

from bench.servers import PEPPER
from service.core.clock import SystemClock
from service.notifications.endpoints.documents import WebhookDelivery, WebhookEndpoint
from service.notifications.endpoints.operations.bodies import VERSION
from service.notifications.endpoints.operations.fan_out import delivery_row
from service.notifications.endpoints.operations.sealing import Sealer, new_secret
from service.outbox.documents import OutboxMessage
from service.outbox.operations.messages import message
from service.parts import build_endpoints
from service.storage.database import Row, connect
from service.storage.documents import bind
from service.stored import DOCUMENTS
from tests.support.settings import make_settings

_AGE = timedelta(minutes=1)
_PAYLOAD: Any = {"status": "completed", "kind": "payment", "amount": 4999, "currency": "EUR"}


def endpoints_at(urls: Sequence[str], merchants: Sequence[str]) -> list[Row]:
    """Make an endpoint of each address that hears `session.*`, and has since a minute.

    `plain` is its secret, for the peer: ours keeps it sealed.
    """
    sealer, now = _sealer(), SystemClock().now() - _AGE
    rows = []
    for number, (url, merchant) in enumerate(zip(urls, merchants, strict=True)):
        name, secret = f"we_{number}", new_secret()
        given: Any = {"_id": name, "merchantId": merchant, "url": url, "events": ["session.*"]}
        given |= dict.fromkeys(("activeFrom", "createdAt", "updatedAt", "changedAt"), now)
        given |= {"secrets": [{"sealed": sealer.seal(name, secret), "createdAt": now}]}
        row = WebhookEndpoint.model_validate(given | {"version": VERSION}).to_row()
        rows.append(row | {"plain": secret})
    return rows


def _sealer() -> Sealer:
    return build_endpoints(make_settings(PII_PEPPER=PEPPER), SystemClock()).sealer


def deliveries_to(endpoints: Sequence[Row], each: int, prefix: str = "") -> list[Row]:
    """Make as many deliveries for each endpoint, due by turns."""
    now = SystemClock().now() - _AGE
    rows = []
    for number in range(each):
        for row in endpoints:
            one = WebhookEndpoint.model_validate({k: v for k, v in row.items() if k != "plain"})
            made = message(
                "session.completed",
                f"{one.id}:{prefix}{number}",
                merchant_id=one.merchant_id,
                session_id=f"{prefix}{number}",
                payload=_PAYLOAD,
                now=now,
            )
            told = OutboxMessage.model_validate(made)
            rows.append(delivery_row(told, one, json.dumps(_PAYLOAD), now))
    return rows


def put(uri: str, database: str, endpoints: Sequence[Row], deliveries: Sequence[Row] = ()) -> None:
    """Insert endpoints, and what is due to them."""

    async def insert() -> None:
        client = connect(uri)
        await bind(client[database], DOCUMENTS)
        await WebhookEndpoint.get_pymongo_collection().insert_many(endpoints)
        if deliveries:
            await WebhookDelivery.get_pymongo_collection().insert_many(deliveries)
        await client.admin.command("fsync")
        await client.close()

    asyncio.run(insert())
