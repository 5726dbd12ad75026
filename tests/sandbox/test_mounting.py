"""The sandbox stands in development only, and plays only whom nobody else was named for."""

import pytest
from litestar import Litestar

from service.app import create_app
from service.core.clock import SystemClock
from service.core.errors import Misconfigured
from service.production.problems import problems
from service.providers.phonepe.settings import PhonePeSettings
from service.providers.razorpay.settings import RazorpaySettings
from service.providers.stripe.settings import StripeSettings
from service.storage.database import Client, Database
from tests.sandbox.lab import GENERATED
from tests.support.settings import make_settings
from tillgate_sandbox.extension import SANDBOX
from tillgate_sandbox.reaching import reach_sandbox

_HOME = "https://shop.example"


def _paths(app: Litestar) -> list[str]:
    return [route.path for route in app.routes]


async def test_production_has_no_route_of_the_sandbox(database: Database) -> None:
    settings = make_settings(ENVIRONMENT="production", PUBLIC_URL=_HOME)

    app = create_app(settings, database, clock=SystemClock(), loop=False)

    assert app.state.mounted is None
    assert [path for path in _paths(app) if path.startswith(("/sandbox", "/shop"))] == []


async def test_an_extension_is_refused_in_production(database: Database) -> None:
    settings = make_settings(ENVIRONMENT="production", PUBLIC_URL=_HOME)

    with pytest.raises(Misconfigured, match="ENVIRONMENT is production"):
        create_app(settings, database, loop=False, extension=SANDBOX)


async def test_without_one_development_has_no_route_of_the_sandbox_either(
    database: Database,
) -> None:
    app = create_app(make_settings(), database, loop=False)

    assert [path for path in _paths(app) if path.startswith(("/sandbox", "/shop"))] == []


async def test_development_has_them(database: Database) -> None:
    app = create_app(make_settings(), database, loop=False, extension=SANDBOX)

    assert any(path.startswith("/sandbox/stripe") for path in _paths(app))


async def test_production_records_no_call_and_has_no_collection_of_the_sandbox(
    client: Client, database: Database
) -> None:
    own = client["tillgate_test_of_production"]
    settings = make_settings(ENVIRONMENT="production", PUBLIC_URL=_HOME)
    app = create_app(settings, own, clock=SystemClock(), loop=False)
    handler = app.asgi_handler

    async with app.lifespan():
        assert app.asgi_handler is handler
        names = await own.list_collection_names()

    assert [name for name in names if name.startswith("sandbox")] == []


async def test_development_records_calls_while_it_runs(database: Database) -> None:
    app = create_app(make_settings(), database, loop=False, extension=SANDBOX)
    handler = app.asgi_handler

    async with app.lifespan():
        assert app.asgi_handler is not handler
        assert "sandbox_calls" in await database.list_collection_names()

    assert app.asgi_handler is handler


def test_generated_keys_reach_the_sandbox() -> None:
    settings = reach_sandbox(make_settings(PUBLIC_URL=_HOME, **GENERATED))

    assert settings.of(StripeSettings).api_base == f"{_HOME}/sandbox/stripe"
    assert settings.of(RazorpaySettings).api_base == f"{_HOME}/sandbox/razorpay"
    assert settings.of(PhonePeSettings).api_base == f"{_HOME}/sandbox/phonepe"
    assert settings.of(StripeSettings).price_basic == "price_sandbox_999_usd_basic"


def test_real_test_keys_and_named_addresses_are_left_alone() -> None:
    real = {name: "" for name in ("STRIPE_API_BASE", "RAZORPAY_API_BASE", "PHONEPE_API_BASE")}
    settings = reach_sandbox(make_settings(**real))
    assert settings.of(StripeSettings).api_base == "https://api.stripe.com"
    assert settings.of(RazorpaySettings).api_base == "https://api.razorpay.com"
    assert settings.of(PhonePeSettings).api_base == "https://api.phonepe.com/apis/pg"

    named = reach_sandbox(make_settings(**GENERATED | {"STRIPE_API_BASE": "http://127.0.0.1:9"}))
    assert named.of(StripeSettings).api_base == "http://127.0.0.1:9"


def test_production_refuses_a_provider_on_this_machine() -> None:
    settings = make_settings(ENVIRONMENT="production", PUBLIC_URL=_HOME)

    named = {problem.field: problem.message for problem in problems(settings)}

    for variable in ("STRIPE_API_BASE", "RAZORPAY_API_BASE", "PHONEPE_API_BASE"):
        assert "is on this machine" in named[variable]
