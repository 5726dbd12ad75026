"""Manage prices and coupons; each change is audited."""

from datetime import datetime

from service.audit.operations import Act, record
from service.catalog import repository
from service.catalog.documents import Coupon, Price, Product
from service.catalog.errors import PriceNotFound
from service.core.errors import Busy, FieldProblem, InvalidInput
from service.core.principal import Principal
from service.core.strict_json import JsonObject
from service.merchants.operations.changing import require_merchant
from service.storage.answering import Duplicate, answers_in_time
from service.storage.plain import in_transaction
from service.storage.transaction import Transaction


async def set_price(price: Price, by: Principal) -> None:
    """Set an item's price, audited.

    Raises `Busy` if another call is setting it too, `MerchantNotFound`, and `InvalidInput` for a
    provider's price that is another plan's.
    """

    async def work(tx: Transaction) -> None:
        await require_merchant(price.merchant_id, tx)
        await _refuse_anothers(price, tx)
        await repository.put_price(price, tx)
        detail: JsonObject = {
            "currency": price.currency,
            "amount": price.amount,
            "passId": price.pass_id,
            "maxQuantity": price.max_quantity,
            "providerPrices": {**price.provider_prices},
        }
        act = Act("price.set", f"price:{price.item}", detail=detail)
        await record(tx, by, act, price.updated_at)

    try:
        await in_transaction(work)
    except Duplicate as error:
        raise Busy(
            "Another call sets this price, or an older index allows one price for each item: "
            "`tillgate migrate` drops it."
        ) from error


async def _refuse_anothers(price: Price, tx: Transaction) -> None:
    """Refuse a provider's price that another plan has: a subscription to it could be to either."""
    for provider, ref in price.provider_prices.items():
        known = await repository.find_by_provider_price(price.merchant_id, provider, ref, tx)
        other = next((one.item for one in known if one.item != price.item), None)
        if other is not None:
            message = f"{ref} at {provider} is the price of {other!r} already."
            problem = FieldProblem("providerPrices", f"{provider}: is the price of {other!r}")
            raise InvalidInput(message, problems=(problem,))


async def set_coupon(coupon: Coupon, by: Principal) -> None:
    """Set a coupon, audited. Raises `MerchantNotFound`."""

    async def work(tx: Transaction) -> None:
        await require_merchant(coupon.merchant_id, tx)
        await repository.put_coupon(coupon, tx)
        detail: JsonObject = {"basisPoints": coupon.basis_points, "amount": coupon.amount}
        act = Act("coupon.set", f"coupon:{coupon.code}", detail=detail)
        await record(tx, by, act, coupon.updated_at)

    await in_transaction(work)


async def remove_price(product: Product, currency: str, by: Principal, now: datetime) -> None:
    """Delete a price, audited. Raises `PriceNotFound`."""

    async def work(tx: Transaction) -> None:
        if not await repository.delete_price(by.merchant_id, product, currency, tx):
            raise PriceNotFound(f"There is no price of {product} in {currency}.")
        detail: JsonObject = {"currency": currency, "passId": product.pass_id}
        act = Act("price.removed", f"price:{product.item}", detail=detail)
        await record(tx, by, act, now)

    await in_transaction(work)


async def remove_coupon(code: str, by: Principal, now: datetime) -> None:
    """Delete a coupon, audited. Raises `PriceNotFound`."""

    async def work(tx: Transaction) -> None:
        if not await repository.delete_coupon(by.merchant_id, code, tx):
            raise PriceNotFound(f"There is no coupon {code!r}.")
        await record(tx, by, Act("coupon.removed", f"coupon:{code}"), now)

    await in_transaction(work)


async def list_catalog(merchant_id: str) -> tuple[list[Price], list[Coupon]]:
    """List all prices and coupons of a merchant."""
    async with answers_in_time():
        prices = await repository.list_prices(merchant_id)
        return prices, await repository.list_coupons(merchant_id)
