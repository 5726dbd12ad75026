# /// script
# requires-python = ">=3.11"
# dependencies = ["fastapi>=0.118", "httpx>=0.28", "python-multipart>=0.0.20", "uvicorn>=0.40"]
# ///
"""A shop in FastAPI: `uv run examples/fastapi/shop.py`, beside `tillgate dev`.

Its server opens each session with the secret key, at a price of its own, and sends the browser on
to the provider: the page needs no script and no key. Before it delivers, it asks Tillgate.
"""

import os
import re
import secrets
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from html import escape
from pathlib import Path
from typing import Annotated

import httpx
import uvicorn
from fastapi import FastAPI, Form, HTTPException, Request
from fastapi.responses import HTMLResponse, RedirectResponse

# Minor units. A server names its own price, so that the catalog of Tillgate need not know it.
TITLE, AMOUNT, CURRENCY = "A seat at the window", 2900, "USD"
DELIVERED: set[str] = set()
"""Orders that were paid, once each. A database, in a shop of yours."""

HOME = Path(os.environ.get("TILLGATE_DATA_DIR", ".tillgate"))


def setting(name: str, file: str, pattern: str) -> str:
    """Read a setting: from the environment, else from what `tillgate dev` has kept."""
    try:
        found = re.search(pattern, (HOME / file).read_text(), re.MULTILINE)
    except OSError:
        found = None
    if value := os.environ.get(name, found[1] if found else ""):
        return value
    raise SystemExit(f"Start `tillgate dev` in this directory first, or set {name}.")


@asynccontextmanager
async def lifespan(app: FastAPI) -> AsyncIterator[None]:
    """Keep one pool of connections to Tillgate."""
    key = setting("TILLGATE_SECRET_KEY", "development.env", r'^API_SECRET_KEYS="(.*)"$')
    async with httpx.AsyncClient(
        base_url=setting("TILLGATE_ADDRESS", "address", r"^(\S+)"),
        headers={"Authorization": f"Bearer {key}"},
        timeout=30,
    ) as tillgate:
        app.state.tillgate = tillgate
        yield


app = FastAPI(lifespan=lifespan)


def page(*parts: str) -> HTMLResponse:
    """Return a page of these parts."""
    head = f'<!doctype html><html lang="en"><meta charset="utf-8"><title>{TITLE}</title>'
    return HTMLResponse(f"{head}<h1>{TITLE}</h1>{''.join(parts)}")


@app.get("/")
async def shop() -> HTMLResponse:
    """Show what there is to buy. The order has its number before anybody presses the button."""
    number = f"seat_{secrets.token_hex(8)}"
    return page(
        f"<p>It costs <b>{AMOUNT / 100:.2f} {CURRENCY}</b>.</p>",
        '<form method="post" action="/orders">',
        f'<input type="hidden" name="number" value="{number}">',
        '<p><label>Email <input name="email" type="email" required></label></p>',
        "<button>Buy</button></form>",
    )


@app.post("/orders")
async def buy(
    request: Request,
    number: Annotated[str, Form(pattern="^seat_[0-9a-f]{16}$")],
    email: Annotated[str, Form(max_length=254)],
) -> RedirectResponse:
    """Open the session of an order, or find it: a second press of the button has its number too."""
    home = str(request.url_for("order", number=number))
    answer = await request.app.state.tillgate.post(
        "/api/payments/create-checkout",
        json={
            "sessionId": number,
            "userId": email,
            "email": email,
            "eventId": "seat",
            "provider": "stripe",
            "amount": AMOUNT,
            "currency": CURRENCY,
            "successUrl": home,
            "cancelUrl": home,
        },
    )
    if answer.is_error:
        raise HTTPException(502, answer.json()["detail"])
    return RedirectResponse(answer.json()["checkoutUrl"], status_code=303)


@app.get("/orders/{number}")
async def order(request: Request, number: str) -> HTMLResponse:
    """Show an order, as Tillgate says that it stands; a page that waits asks again by itself."""
    answer = await request.app.state.tillgate.get(f"/api/payment-sessions/{number}")
    if answer.status_code == 404:
        raise HTTPException(404, "There is no such order.")
    session = answer.raise_for_status().json()["session"]
    paid = (session["eventId"], session["amount"], session["currency"]) == (
        "seat",
        AMOUNT,
        CURRENCY,
    )
    if session["status"] == "completed" and paid:
        deliver(session)
        return page("<p>Thank you, it is paid. Your seat is kept.</p>")
    if session["status"] in {"pending", "processing"}:
        again = '<meta http-equiv="refresh" content="2">'
        go_on = f'<a href="{escape(session["checkoutUrl"] or "/")}">Continue to the payment</a>'
        return page(again, "<p>Waiting for the payment…</p>", f"<p>{go_on}</p>")
    return page(f"<p>The order is {session['status']}; nothing was charged.</p>")


def deliver(session: dict[str, str]) -> None:
    """Deliver what was paid for, once."""
    if session["sessionId"] not in DELIVERED:
        DELIVERED.add(session["sessionId"])
        print(f"paid: {session['sessionId']} for {session['email']}", flush=True)  # noqa: T201


if __name__ == "__main__":
    uvicorn.run(
        app, host="localhost", port=int(os.environ.get("PORT", "3001")), log_level="warning"
    )
