"""The request of a delivery: signed as Standard Webhooks says, with every secret that is valid.

https://github.com/standard-webhooks/standard-webhooks/blob/main/spec/standard-webhooks.md
"""

import json
from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime

from msgspec import Struct
from standardwebhooks import Webhook

from service.core.errors import Misconfigured
from service.notifications.endpoints.documents import WebhookEndpoint
from service.notifications.endpoints.operations.addresses import Target, target_of
from service.notifications.endpoints.operations.sealing import Sealer

AGENT = "Tillgate-Webhooks/1"


class Signer(Struct, frozen=True):
    """One secret of an endpoint, and until when it signs."""

    webhook: Webhook
    expires_at: datetime | None


class Route(Struct, frozen=True):
    """An endpoint as it is sent to: where, the headers that never change, and who signs."""

    target: Target
    head: bytes
    signers: Sequence[Signer]


def route_to(endpoint: WebhookEndpoint, sealer: Sealer) -> Route:
    """Open what is sealed of an endpoint. Raises `Misconfigured`, `AddressRefused`."""
    target = target_of(endpoint.url)
    own: Mapping[str, str] = {}
    if endpoint.headers is not None:
        own = json.loads(sealer.open(endpoint.id, endpoint.headers))
    headers = {
        "host": target.authority,
        "user-agent": AGENT,
        "accept": "*/*",
        "content-type": "application/json",
        "tillgate-version": endpoint.version,
        **own,
    }
    lines = "".join(f"{name}: {value}\r\n" for name, value in headers.items())
    signers = list(_signers(endpoint, sealer))
    return Route(target, f"POST {target.path} HTTP/1.1\r\n{lines}".encode("ascii"), signers)


def _signers(endpoint: WebhookEndpoint, sealer: Sealer) -> Iterator[Signer]:
    """Yield the secrets that sign. The newest must open; of older ones the pepper may be gone."""
    for place, one in enumerate(endpoint.secrets):
        try:
            yield Signer(Webhook(sealer.open(endpoint.id, one.sealed)), one.expires_at)
        except Misconfigured:
            if place == 0:
                raise


def request_of(route: Route, event_id: str, body: str, now: datetime) -> bytes:
    """Return a whole request: signed now, so that a later try is not taken for a replay."""
    signatures = " ".join(
        one.webhook.sign(event_id, now, body)
        for one in route.signers
        if one.expires_at is None or one.expires_at > now
    )
    sent = body.encode()
    lines = (
        f"webhook-id: {event_id}\r\nwebhook-timestamp: {int(now.timestamp())}\r\n"
        f"webhook-signature: {signatures}\r\ncontent-length: {len(sent)}\r\n\r\n"
    )
    return route.head + lines.encode("ascii") + sent
