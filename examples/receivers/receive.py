# /// script
# requires-python = ">=3.11"
# dependencies = ["standardwebhooks>=1.1"]
# ///
"""A receiver of Tillgate's webhooks: the signature is checked by the library of the standard.

WEBHOOK_SECRET is what the endpoint's creation answered (`whsec_…`); several, with commas, while it
is rotated.
"""

import json
import os
import sqlite3
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from standardwebhooks import Webhook, WebhookVerificationError

LARGEST = 1_000_000
database = os.environ.get("DATABASE", "shop.sqlite")
webhooks = [Webhook(secret) for secret in os.environ["WEBHOOK_SECRET"].split(",")]


def verified(headers: dict[str, str], body: bytes) -> dict[str, Any] | None:
    """Return the event, or None if none of our secrets has signed these very bytes lately."""
    for webhook in webhooks:
        try:
            webhook.verify(body, headers)
        except (WebhookVerificationError, ValueError):  # what is malformed is a ValueError
            continue
        return dict(json.loads(body))
    return None


def take(event: dict[str, Any]) -> None:
    """Deliver what was paid, once: the id of the event and the work are one transaction."""
    with sqlite3.connect(database, timeout=30) as shop:
        shop.execute("create table if not exists events (id text primary key)")
        new = shop.execute("insert or ignore into events values (?)", [event["id"]]).rowcount
        if new and event["type"] == "session.completed":
            print("paid", event["sessionId"], flush=True)  # noqa: T201 - deliver here


class Receiver(BaseHTTPRequestHandler):
    """Answers 200 once an event is safe here, and 400 to whatever is not from Tillgate."""

    def do_POST(self) -> None:
        """Take an event."""
        length = int(self.headers.get("Content-Length") or 0)
        headers = {name.lower(): value for name, value in self.headers.items()}
        # Below zero it would be read until the sender stops.
        event = verified(headers, self.rfile.read(length)) if 0 <= length <= LARGEST else None
        if event is not None:
            take(event)
        self.send_response(200 if event is not None else 400)
        self.send_header("Content-Length", "0")
        self.end_headers()


if __name__ == "__main__":
    port = int(os.environ.get("PORT", "3002"))
    ThreadingHTTPServer(("127.0.0.1", port), Receiver).serve_forever()
