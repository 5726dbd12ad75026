"""The dashboard's routes, put together."""

from litestar import Router
from litestar.di import Provide

from service.core.clock import Clock
from service.core.errors import Misconfigured
from service.dashboard.frame import ASSETS
from service.dashboard.login.controllers import Login
from service.dashboard.login.cookies import Cookies
from service.dashboard.sessions.controllers import SessionPages
from service.settings import Settings
from service.web.authentication import PUBLIC
from service.web.keys.ring import KeyRing
from service.web.pages.assets import SHARED


def dashboard_routes(settings: Settings, clock: Clock, *, has_sandbox: bool) -> Router:
    """Build the dashboard, with the files that all pages share. It asks for its key itself.

    Raises `Misconfigured` without a pepper.
    """
    pepper = settings.access.pii_pepper
    if pepper is None:
        raise Misconfigured("PII_PEPPER is not set: nobody could sign in to the dashboard.")
    jar = Cookies(pepper, clock, secure=settings.web.public_url.startswith("https://"))
    keys = KeyRing(settings.access, clock)
    return Router(
        "/",
        route_handlers=[SHARED.route(), ASSETS.route(), Login, SessionPages],
        dependencies={
            "jar": Provide(lambda: jar, sync_to_thread=False),
            "keys": Provide(lambda: keys, sync_to_thread=False),
            "clock": Provide(lambda: clock, sync_to_thread=False),
            "has_sandbox": Provide(lambda: has_sandbox, sync_to_thread=False),
        },
        opt={PUBLIC: True},
        include_in_schema=False,
    )
