"""The catalog over HTTP, for admin keys."""

from typing import Annotated

from litestar import Controller, delete, get, post, put
from litestar.di import NamedDependency
from litestar.params import JSONBody, PathParameter, QueryParameter, SkipValidation

from service.catalog.documents import Product
from service.catalog.operations.prices import (
    list_catalog,
    remove_coupon,
    remove_price,
    set_coupon,
    set_price,
)
from service.catalog.operations.quote_id import QuoteSettings, offer_quote
from service.catalog.schemas import (
    AskQuote,
    CatalogAnswer,
    CouponView,
    PriceView,
    PutCoupon,
    PutPrice,
    QuoteAnswer,
    coupon_view,
    price_view,
    quote_view,
)
from service.core.clock import Clock
from service.core.principal import AccessScope
from service.merchants.controllers import TheMerchants
from service.web.authentication import CurrentPrincipal, requires

TheClock = NamedDependency[SkipValidation[Clock]]
TheQuoteSettings = NamedDependency[SkipValidation[QuoteSettings]]
# The same rules as for the fields of a session: one line.
_ONE_LINE = r"^[^\x00-\x1f\x7f-\x9f\u2028\u2029]{1,100}$"
ItemPath = Annotated[
    str,
    PathParameter(
        pattern=_ONE_LINE,
        description="A plan or an event.",
        schema_extra={"examples": ["event_456"]},
    ),
]
CodePath = Annotated[
    str,
    PathParameter(
        pattern=_ONE_LINE, description="The coupon's code.", schema_extra={"examples": ["DOCS10"]}
    ),
]
PassQuery = Annotated[
    str | None, QueryParameter(name="passId", pattern=_ONE_LINE, description="A pass of the event.")
]
CurrencyQuery = Annotated[
    str,
    QueryParameter(name="currency", pattern="^[A-Z]{3}$", schema_extra={"examples": ["INR"]}),
]


class Catalog(Controller):
    """Prices that publishable keys are held to."""

    path = "/api/admin"
    tags = ["Admin"]
    opt = requires(AccessScope.PRICES_WRITE)

    @get(
        "/prices",
        opt=requires(AccessScope.PRICES_READ),
        operation_id="listPrices",
        summary="List prices and coupons",
    )
    async def show(self, principal: CurrentPrincipal) -> CatalogAnswer:
        """All of the merchant's."""
        prices, coupons = await list_catalog(principal.merchant_id)
        return CatalogAnswer(
            [price_view(price) for price in prices], [coupon_view(coupon) for coupon in coupons]
        )

    @put("/prices/{item:str}", operation_id="setPrice", summary="Set a price")
    async def put_price(
        self,
        item: ItemPath,
        data: JSONBody[PutPrice],
        principal: CurrentPrincipal,
        clock: TheClock,
    ) -> PriceView:
        """For sessions that are opened from now on."""
        price = data.to_price(principal.merchant_id, item, clock.now())
        await set_price(price, principal)
        return price_view(price)

    @delete("/prices/{item:str}", operation_id="removePrice", summary="Remove a price")
    async def delete_price(
        self,
        item: ItemPath,
        currency: CurrencyQuery,
        principal: CurrentPrincipal,
        clock: TheClock,
        pass_id: PassQuery = None,
    ) -> None:
        """404 where there is none."""
        await remove_price(Product(item, pass_id), currency, principal, clock.now())

    @put("/coupons/{code:str}", operation_id="setCoupon", summary="Set a coupon")
    async def put_coupon(
        self,
        code: CodePath,
        data: JSONBody[PutCoupon],
        principal: CurrentPrincipal,
        clock: TheClock,
    ) -> CouponView:
        """For sessions that are opened from now on."""
        coupon = data.to_coupon(principal.merchant_id, code, clock.now())
        await set_coupon(coupon, principal)
        return coupon_view(coupon)

    @delete("/coupons/{code:str}", operation_id="removeCoupon", summary="Remove a coupon")
    async def delete_coupon(
        self, code: CodePath, principal: CurrentPrincipal, clock: TheClock
    ) -> None:
        """404 where there is none."""
        await remove_coupon(code, principal, clock.now())


class Quotes(Controller):
    """What something costs, before it is bought."""

    path = "/api/quotes"
    tags = ["Sessions"]
    opt = requires(AccessScope.SESSIONS_WRITE)

    @post("/", status_code=200, operation_id="askQuote", summary="Ask for a price")
    async def ask(
        self,
        data: JSONBody[AskQuote],
        principal: CurrentPrincipal,
        clock: TheClock,
        quote_settings: TheQuoteSettings,
        merchants: TheMerchants,
    ) -> QuoteAnswer:
        """The price holds for 15 minutes: whoever sends `quoteId` with a create opens at it."""
        merchant = await merchants.of(principal.merchant_id)
        wanted = data.to_wanted(merchant.default_currency or quote_settings.default_currency)
        offered = await offer_quote(principal.merchant_id, wanted, quote_settings, clock.now())
        return QuoteAnswer(quote_view(offered))
