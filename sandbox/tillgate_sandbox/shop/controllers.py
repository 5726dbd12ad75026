"""The shop over HTTP. Mounted in development only, since it is a demonstration."""

from urllib.parse import urlsplit

from litestar import Response, Router, get
from litestar.params import QueryParams
from litestar.response import Redirect

from service.settings import Settings
from service.web.authentication import PUBLIC, AnyRequest
from service.web.limits.rate_limits import UNLIMITED
from tillgate_sandbox.shop.offers import offers, payment_options
from tillgate_sandbox.shop.pages import ASSETS, return_page, shop_page


def shop_routes(settings: Settings, providers: frozenset[str]) -> Router:
    """Build the shop for the providers that have credentials."""
    home = settings.web.public_url
    # A publishable key is no secret: it opens sessions at the catalog's prices, and nothing else.
    keys = [key.rpartition(":")[2] for key in settings.access.publishable_keys]
    meta = {"publishable-key": keys[0] if keys else "", "home": home}

    @get("/shop")
    async def shop(request: AnyRequest) -> Response[str] | Redirect:
        """Choose and pay."""
        # Customers come back to PUBLIC_URL. What this tab remembers belongs to one origin, so a
        # shop that was opened as `localhost` would not know its own order again.
        if request.headers.get("host") != urlsplit(home).netloc:
            return Redirect(f"{home}/shop", status_code=307)
        chosen = payment_options(providers, settings.sessions.default_currency)
        return shop_page(await offers(), chosen, meta)

    @get("/shop/return")
    async def coming_back(query: QueryParams) -> Response[str]:
        """Wait for the payment; what the address carries is for the script."""
        return return_page(meta)

    return Router(
        "/",
        route_handlers=[shop, coming_back, ASSETS.route()],
        opt={PUBLIC: True, UNLIMITED: True},
        include_in_schema=False,
    )
