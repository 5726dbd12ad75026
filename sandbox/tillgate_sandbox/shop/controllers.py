"""The shop over HTTP. Mounted in development only, since it is a demonstration."""

from urllib.parse import urlsplit

from litestar import Response, Router, get, post
from litestar.params import QueryParams
from litestar.response import Redirect

from service.core.clock import Clock
from service.settings import Settings
from service.web.authentication import PUBLIC, AnyRequest
from service.web.limits.rate_limits import UNLIMITED
from tillgate_sandbox.shop.members import Member, cookie_of, known_or_new, sign_in
from tillgate_sandbox.shop.offers import offers, payment_options
from tillgate_sandbox.shop.pages import ASSETS, membership_page, return_page, shop_page


def shop_routes(settings: Settings, providers: frozenset[str], clock: Clock) -> Router:
    """Build the shop for the providers that have credentials."""
    home = settings.web.public_url
    # A publishable key is no secret: it opens sessions at the catalog's prices, and nothing else.
    keys = [key.rpartition(":")[2] for key in settings.access.publishable_keys]
    meta = {"publishable-key": keys[0] if keys else "", "home": home}

    # Customers come back to PUBLIC_URL. What a browser remembers belongs to one origin, so a shop
    # that was opened as `localhost` would not know its own order again.
    def elsewhere(request: AnyRequest) -> bool:
        return request.headers.get("host") != urlsplit(home).netloc

    @get("/shop")
    async def shop(request: AnyRequest) -> Response[str] | Redirect:
        """Choose and pay."""
        if elsewhere(request):
            return Redirect(f"{home}/shop", status_code=307)
        chosen = payment_options(providers, settings.sessions.default_currency)
        return shop_page(await offers(), chosen, meta)

    @get("/shop/membership")
    async def membership(request: AnyRequest, query: QueryParams) -> Response[str] | Redirect:
        """A customer's own subscription; what the address carries is for the script."""
        if elsewhere(request):
            return Redirect(f"{home}/shop/membership", status_code=307)
        currency = settings.sessions.default_currency
        chosen = payment_options(providers, currency, "subscription")
        plans = [one for one in await offers() if one.named_by == "plan"]
        return membership_page(plans, chosen, {"home": home})

    @post("/shop/member", status_code=200)
    async def member(request: AnyRequest) -> Response[Member]:
        """Sign a token for the customer of this browser, who is a new one by the first call."""
        secret = known_or_new(request)
        answer = Response(sign_in(secret, settings, clock), headers={"Cache-Control": "no-store"})
        answer.set_cookie(cookie_of(secret, settings))
        return answer

    @get("/shop/return")
    async def coming_back(query: QueryParams) -> Response[str]:
        """Wait for the payment; what the address carries is for the script."""
        return return_page(meta)

    return Router(
        "/",
        route_handlers=[shop, coming_back, membership, member, ASSETS.route()],
        opt={PUBLIC: True, UNLIMITED: True},
        include_in_schema=False,
    )
