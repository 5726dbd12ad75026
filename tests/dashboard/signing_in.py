"""Browsers without scripts that sign in to the dashboard."""

import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from httpx import ASGITransport, AsyncClient, Response

from service.core.clock import Clock
from service.dashboard.login.cookies import SIGN_IN
from service.settings import Settings
from service.storage.database import Database
from tests.support.built import application
from tests.support.settings import ADMIN

HOME = "http://127.0.0.1:8000"
COOKIE = f"__Secure-{SIGN_IN}"


@asynccontextmanager
async def browsing(
    settings: Settings, database: Database, clock: Clock
) -> AsyncIterator[AsyncClient]:
    """A browser without scripts, at a service with these settings."""
    async with application(settings, database, clock) as app:
        transport = ASGITransport(app, raise_app_exceptions=False)
        async with AsyncClient(transport=transport, base_url=settings.web.public_url) as http:
            yield http
        await app.state.login.refusals.aclose()


def token_in(page: Response) -> str:
    """Return the token of the page's form."""
    found = re.search(r'name="token" value="([^"]+)"', page.text)
    assert found, page.text
    return found[1]


async def sign_in(
    http: AsyncClient, key: str = ADMIN, following: str = "/dashboard", **headers: str
) -> Response:
    """Show a key in the form."""
    page = await http.get("/dashboard/login", params={"next": following}, headers=headers)
    assert page.status_code == 200
    given = {"key": key, "token": token_in(page), "next": following}
    return await http.post("/dashboard/login", data=given, headers=headers)


async def sign_out(http: AsyncClient) -> Response:
    """Press the button of a page."""
    token = token_in(await http.get("/dashboard"))
    return await http.post("/dashboard/logout", data={"token": token})


async def opens(http: AsyncClient, token: str, name: str = COOKIE, **headers: str) -> bool:
    """Return whether a cookie, brought by whomever, opens the dashboard."""
    answer = await http.get("/dashboard", headers={"cookie": f"{name}={token}", **headers})
    assert answer.status_code in {200, 303}
    return answer.status_code == 200
