"""`tillgate prices`: what publishable keys are held to."""

from collections.abc import Sequence
from decimal import Decimal, InvalidOperation
from pathlib import Path

import rich_click as click

from service.catalog.documents import Coupon, Price, Product
from service.catalog.operations.prices import (
    list_catalog,
    remove_coupon,
    remove_price,
    set_coupon,
    set_price,
)
from service.catalog.schemas import PutCoupon, PutPrice
from service.cli.database import with_database
from service.cli.listing import Found, Rows, lists
from service.cli.options import data_dir_option, merchant_option, operator
from service.cli.screen import say
from service.core.clock import SystemClock
from service.core.errors import FieldProblem, InvalidInput
from service.core.money import exponent, to_major, to_minor
from service.providers import money
from service.providers.registry import REGISTRY
from service.settings import Settings
from service.storage.database import Database
from service.web.wire import decode_wire_model

_LONGEST_NAME = 100


@click.group()
def command() -> None:
    """Set and list prices and coupons.

    A browser (publishable key) pays what stands here; a secret key may name its own amount.
    """


@command.command("set")
@click.argument("item")
@click.argument("amount")
@click.argument("currency")
@click.option("--major", is_flag=True, help="AMOUNT is in major units: 29.99 instead of 2999.")
@click.option("--title", help="What the customer reads.")
@click.option("--trial-days", type=int, help="A subscription begins with these days for free.")
@click.option("--pass", "pass_id", help="It is the price of this pass of the event ITEM.")
@click.option("--max-quantity", type=int, help="One session sells at most so many.")
@click.option("--interval", help="What a plan costs lasts a day, week, month or year.")
@click.option("--interval-count", type=int, default=1, help="So many intervals.")
@click.option(
    "--provider-price",
    "provider_prices",
    multiple=True,
    type=(str, str),
    metavar="PROVIDER ID",
    help="The provider's price of a plan: stripe price_123. One for each provider.",
)
@merchant_option
@data_dir_option
def set_one(
    item: str,
    amount: str,
    currency: str,
    *,
    provider_prices: Sequence[tuple[str, str]],
    data_dir: Path,
    **options: object,
) -> None:
    """Set what one unit of ITEM (a plan, an event) costs, in minor units of CURRENCY.

    A pass of an event has a price of its own: --pass names it.
    """
    by = operator(str(options["merchant"]))
    _check_name("item", item)
    currency = currency.upper()
    sent = {
        "currency": currency,
        "amount": _minor(amount, currency, major=bool(options["major"])),
        "title": options["title"],
        "trialDays": options["trial_days"],
        "passId": options["pass_id"],
        "maxQuantity": options["max_quantity"],
        "interval": options["interval"],
        "intervalCount": options["interval_count"],
        "providerPrices": dict(provider_prices),
    }
    put = decode_wire_model(PutPrice, sent)
    assert isinstance(put, PutPrice)  # noqa: S101 - the model that was asked for

    async def work(_: Settings, __: Database) -> None:
        await set_price(put.to_price(by.merchant_id, item, SystemClock().now()), by)

    with_database(data_dir, work)
    say(f"{_named(item, put.pass_id)} costs {_shown(put.amount, put.currency)}.")


@command.command("list")
@merchant_option
@data_dir_option
@lists
def list_all(merchant: str, data_dir: Path) -> Found:
    """List prices and coupons."""

    async def work(_: Settings, __: Database) -> tuple[list[Price], list[Coupon]]:
        return await list_catalog(merchant)

    prices, coupons = with_database(data_dir, work)
    rows = [
        (
            price.item,
            price.amount,
            price.currency,
            _shown(price.amount, price.currency),
            price.title,
            price.trial_days,
            price.pass_id,
            price.max_quantity,
            _period(price),
            _at_the_providers(price),
        )
        for price in prices
    ]
    columns = (
        *("item", "minor units", "currency", "price", "title", "trial days"),
        *("pass", "most", "every", "at the providers"),
    )
    empty = "There are no prices. Set one with: tillgate prices set"
    listed = [(coupon.code, _discount(coupon), coupon.expires_at) for coupon in coupons]
    return Found(
        [
            Rows("prices", columns, rows, empty),
            Rows("coupons", ("coupon", "takes off", "until"), listed),
        ]
    )


@command.command("remove")
@click.argument("item")
@click.argument("currency")
@click.option("--pass", "pass_id", help="Remove the price of this pass of the event ITEM.")
@merchant_option
@data_dir_option
def remove(item: str, currency: str, pass_id: str | None, merchant: str, data_dir: Path) -> None:
    """Remove the price of ITEM in CURRENCY; sessions that are open keep theirs."""

    async def work(_: Settings, __: Database) -> None:
        now = SystemClock().now()
        await remove_price(Product(item, pass_id), currency.upper(), operator(merchant), now)

    with_database(data_dir, work)
    say(f"{_named(item, pass_id)} has no price in {currency.upper()} any more.")


@command.command("coupon")
@click.argument("code")
@click.option("--percent", help="What is taken off, in percent: 25 or 12.5.")
@click.option("--amount", type=int, help="What is taken off, in minor units; with --currency.")
@click.option("--currency", help="The currency of --amount.")
@click.option("--remove", "removed", is_flag=True, help="Remove the coupon.")
@merchant_option
@data_dir_option
def coupon(code: str, *, removed: bool, data_dir: Path, **options: object) -> None:
    """Set or remove a coupon."""
    by = operator(str(options["merchant"]))
    _check_name("code", code)
    now = SystemClock().now()
    percent, currency = options["percent"], options["currency"]
    sent = {
        "basisPoints": _basis_points(str(percent)) if percent is not None else None,
        "amount": options["amount"],
        "currency": str(currency).upper() if currency is not None else None,
    }

    async def work(_: Settings, __: Database) -> None:
        if removed:
            await remove_coupon(code, by, now)
            return
        put = decode_wire_model(PutCoupon, sent)
        assert isinstance(put, PutCoupon)  # noqa: S101 - the model that was asked for
        await set_coupon(put.to_coupon(by.merchant_id, code, now), by)

    with_database(data_dir, work)
    say(f"Coupon {code} is {'removed' if removed else 'set'}.")


def _period(price: Price) -> str | None:
    if price.interval is None or price.interval_count == 1:
        return price.interval
    return f"{price.interval_count} {price.interval}s"


def _at_the_providers(price: Price) -> str | None:
    return " ".join(f"{name} {ref}" for name, ref in sorted(price.provider_prices.items())) or None


def _named(item: str, pass_id: str | None) -> str:
    return item if pass_id is None else f"{pass_id} of {item}"


def _check_name(field: str, name: str) -> None:
    # As long as the admin route takes it, and as a session can name it.
    if not name or len(name) > _LONGEST_NAME or not name.isprintable():
        raise _wrong(field, f"must be 1 to {_LONGEST_NAME} printable characters")


def _minor(amount: str, currency: str, *, major: bool) -> int:
    if not major:
        if not amount.isascii() or not amount.isdigit():
            raise _wrong("amount", "must be a whole number of minor units, or use --major")
        return int(amount)
    places = exponent(currency)
    if any(money.exponent(provider, currency) != places for provider in REGISTRY):
        raise _wrong(
            "amount", f"must be in minor units: providers count {currency} with different decimals"
        )
    return to_minor(amount, places)


def _basis_points(percent: str) -> int:
    try:
        points = Decimal(percent).scaleb(2)
    except InvalidOperation:
        points = Decimal("NaN")
    if not points.is_finite() or points != points.to_integral_value() or not 0 < points <= 10_000:
        raise _wrong("percent", "must be more than 0 and at most 100, with at most two decimals")
    return int(points)


def _discount(coupon: Coupon) -> str:
    if coupon.basis_points is not None:
        return f"{Decimal(coupon.basis_points).scaleb(-2).normalize():f} %"
    return _shown(coupon.amount or 0, coupon.currency or "")


def _shown(amount: int, currency: str) -> str:
    return f"{to_major(amount, exponent(currency))} {currency}"


def _wrong(field: str, message: str) -> InvalidInput:
    return InvalidInput(f"The {field} can't be used.", problems=(FieldProblem(field, message),))
