"""What browsers are told: CORS and security headers."""

import pytest
from httpx import AsyncClient

from service.core.clock import ManualClock
from service.core.errors import Misconfigured
from service.storage.database import Database
from service.web.cors import cors_config
from tests.web.app import create_test_app, settings_for
from tests.web.conftest import client_of

SHOP = "https://shop.example"


async def test_a_frontend_may_call_and_read_the_headers(
    database: Database, clock: ManualClock
) -> None:
    app = create_test_app(settings_for(cors_origins=(SHOP,)), clock, database)
    wanted = "Authorization, X-API-Key, X-Client-Secret, Idempotency-Key, Content-Type"
    preflight = {
        "Origin": SHOP,
        "Access-Control-Request-Method": "POST",
        "Access-Control-Request-Headers": wanted,
    }
    async with client_of(app) as http:
        allowed = await http.options("/api/orders", headers=preflight)
        assert allowed.status_code == 204
        assert allowed.headers["access-control-allow-origin"] == SHOP
        assert allowed.headers["x-request-id"]
        stranger = {**preflight, "Origin": "https://evil.example"}
        refused = await http.options("/api/orders", headers=stranger)
        assert "access-control-allow-origin" not in refused.headers
        for origin in (
            "https://evil.example",
            f"{SHOP}.evil.example",
            "null",
            "http://shop.example",
        ):
            answer = await http.get("/api/orders", headers={"Origin": origin})
            assert "access-control-allow-origin" not in answer.headers
        answer = await http.get("/api/orders", headers={"Origin": SHOP})
        assert answer.status_code == 401  # a script reads the problem too
        assert answer.headers["access-control-allow-origin"] == SHOP
        exposed = answer.headers["access-control-expose-headers"]
        assert {"Idempotent-Replayed", "Retry-After"} <= set(exposed.split(", "))
        assert "access-control-allow-credentials" not in answer.headers


@pytest.mark.parametrize(
    "origin",
    [
        "https://*.example.com",
        "shop.example",
        "https://shop.example/",
        "ftp://a.b",
        "null",
        "https://",
    ],
)
def test_what_is_no_origin_is_refused(origin: str) -> None:
    with pytest.raises(Misconfigured, match="CORS_ORIGINS"):
        cors_config(settings_for(cors_origins=(origin,)))


def test_every_origin_is_for_development_only() -> None:
    assert cors_config(settings_for(cors_origins=("*",))) is not None
    with pytest.raises(Misconfigured):
        cors_config(settings_for(cors_origins=("*",), environment="production"))


def test_without_origins_there_is_no_cors_in_production() -> None:
    assert cors_config(settings_for(environment="production")) is None


LOOPBACK = (
    "http://localhost:3000",
    "http://127.0.0.1:5173",
    "https://localhost",
    "http://[::1]:80",
)


@pytest.mark.parametrize("origin", LOOPBACK)
def test_a_frontend_on_this_machine_may_call_in_development(origin: str) -> None:
    for origins in ((), (SHOP,)):
        developing = cors_config(settings_for(cors_origins=origins))
        assert developing is not None
        assert developing.is_origin_allowed(origin)


@pytest.mark.parametrize("origin", LOOPBACK)
def test_control_in_production_it_may_not(origin: str) -> None:
    serving = cors_config(settings_for(cors_origins=(SHOP,), environment="production"))
    assert serving is not None
    assert serving.is_origin_allowed(SHOP)
    assert not serving.is_origin_allowed(origin)


@pytest.mark.parametrize(
    "origin",
    [
        "http://localhost.evil.example",
        "http://localhost:3000.evil.example",
        "http://127.0.0.1.evil.example",
        "http://evil.example/http://localhost",
        "http://localhost:3000/",
        "http://user@localhost:3000",
        "http://127.0.0.10:3000",
        "file://localhost",
        "null",
    ],
)
def test_what_only_looks_like_this_machine_may_not(origin: str) -> None:
    developing = cors_config(settings_for())
    assert developing is not None
    assert not developing.is_origin_allowed(origin)


@pytest.mark.parametrize("path", ["/api/whoami", "/api/nothing", "/health/live"])
async def test_every_answer_carries_security_headers(http: AsyncClient, path: str) -> None:
    headers = (await http.get(path)).headers
    assert headers["x-content-type-options"] == "nosniff"
    assert headers["referrer-policy"] == "no-referrer"
    assert "frame-ancestors 'none'" in headers["content-security-policy"]
    assert headers.get("cache-control") == ("no-store" if path.startswith("/api") else None)
    assert "strict-transport-security" not in headers


async def test_a_page_keeps_its_own_policy(http: AsyncClient) -> None:
    headers = (await http.get("/docs")).headers
    assert headers.get_list("content-security-policy") == [headers["content-security-policy"]]
    assert "script-src 'self'" in headers["content-security-policy"]


async def test_behind_tls_browsers_stay_on_tls(database: Database, clock: ManualClock) -> None:
    app = create_test_app(settings_for(public_url="https://pay.example"), clock, database)
    async with client_of(app) as http:
        answer = await http.get("/health/live")
    assert answer.headers["strict-transport-security"] == "max-age=31536000; includeSubDomains"
