"""Walk through the house with a provider, in a process of its own: shop, pay, dashboard, doctor.

`python -m tests.providers.fifth.walk` prints what it saw as JSON. The house is the one on its path.
"""

import asyncio
import hashlib
import hmac
import json
import os
import sys
from typing import Any

from click.testing import CliRunner
from httpx import ASGITransport, AsyncClient

from service.app import create_app
from service.cli.development.generated import GENERATED
from service.cli.main import cli
from service.extension import Extension, needed_extension
from service.settings import load_settings
from service.storage.indexes import apply_indexes
from service.stored import DOCUMENTS
from service.wiring import connected
from tests.dashboard.signing_in import sign_in
from tests.support.settings import SECRET

SESSION = "s-1"
KEY = {"Authorization": f"Bearer {SECRET}"}


async def _walk(extension: Extension) -> dict[str, Any]:
    settings = load_settings(())
    async with connected(settings, os.environ["MONGODB_URI"]) as client:
        database = client[settings.database.name]
        await apply_indexes(database, DOCUMENTS)
        app = create_app(settings, database, loop=False, extension=extension)
        transport = ASGITransport(app, raise_app_exceptions=False)
        home = settings.web.public_url
        async with app.lifespan(), AsyncClient(transport=transport, base_url=home) as http:
            seen = await _visit(http)
        await client.drop_database(database)
        return seen


async def _visit(http: AsyncClient) -> dict[str, Any]:
    shop = await http.get("/shop")
    asked = {"sessionId": SESSION, "userId": "u", "eventId": "e", "provider": "acme", "amount": 150}
    opened = await http.post("/api/payments/create-checkout", json=asked, headers=KEY)
    paid = await _pay(http)
    session = (await http.get(f"/api/payment-sessions/{SESSION}", headers=KEY)).json()
    await sign_in(http)
    page = await http.get(f"/dashboard/sessions/{SESSION}")
    return {
        "sold in the shop": "Acme Pay" in shop.text and "Anvils and cards" in shop.text,
        "opened": [opened.status_code, opened.json().get("checkoutUrl")],
        "paid": paid,
        "status": session.get("session", {}).get("status"),
        "page": page.status_code,
        "named and counted on the page": "Acme Pay" in page.text and "1.50 KWD" in page.text,
    }


async def _pay(http: AsyncClient) -> int:
    told = {"id": "evt_1", "order": SESSION, "payment": "pay_1", "amount": 150, "currency": "KWD"}
    body = json.dumps(told).encode()
    secret = os.environ["ACME_WEBHOOK_SECRET"].encode()
    signed = {"acme-signature": hmac.new(secret, body, hashlib.sha256).hexdigest()}
    return (await http.post("/api/webhooks/acme", content=body, headers=signed)).status_code


def _run(*arguments: str, **env: str) -> str:
    return CliRunner(env=env).invoke(cli, arguments).output


def _doctor(name: str, *arguments: str, **env: str) -> str | None:
    checks = json.loads(_run("doctor", "--json", *arguments, **env))["checks"]
    return {one["name"]: one["says"] for one in checks}.get(name)


def main() -> None:
    """Walk, and print what was seen."""
    # Before any document is bound: those of the sandbox are made of what is not bound yet.
    extension = needed_extension()
    half = _doctor("ACME_WEBHOOK_SECRET", "--environment", "production", ACME_WEBHOOK_SECRET="")
    seen = {
        "doctor": _doctor("acme"),
        "half set in production": half,
        "made for development": "ACME_KEY" in GENERATED,
        "prices": _run("prices", "set", "anvil", "1.5", "KWD", "--major").splitlines()[-1].strip(),
    }
    json.dump(seen | asyncio.run(_walk(extension)), sys.stdout)


if __name__ == "__main__":
    main()
