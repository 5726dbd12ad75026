"""`tillgate merchants`: who owns keys, prices and sessions."""

from pathlib import Path
from typing import Any, get_args

import rich_click as click

from service.cli.database import with_database
from service.cli.listing import Cell, Facts, Found, lists, page_of
from service.cli.options import Command, data_dir_option, operator
from service.cli.screen import say
from service.core.clock import SystemClock
from service.core.ids import MERCHANT_ID
from service.core.paging import Cursor, cursor_of
from service.merchants.documents import LanguageCode, Merchant
from service.merchants.operations.changing import (
    add_merchant,
    change_merchant,
    find_merchant,
    list_merchants,
    resume_merchant,
    suspend_merchant,
)
from service.merchants.operations.merchants import Merchants
from service.merchants.schemas import MerchantFields, SuspendMerchant, new_merchant
from service.settings import Settings
from service.storage.database import Database, Row
from service.web.wire import decode_wire_model


def _id(_: click.Context, __: click.Parameter, value: str) -> str:
    if not MERCHANT_ID.fullmatch(value):
        raise click.BadParameter("takes 1 to 40 letters, digits, dashes and underscores.")
    return value


_merchant = click.argument("merchant_id", metavar="ID", callback=_id)


def _profile(command: Command) -> Command:
    """Take the fields of a merchant; an empty text resets one."""
    options: dict[str, dict[str, Any]] = {
        "--name": {"help": "What people read; the ID by default."},
        "--zone": {"help": "Where its days begin (IANA): Asia/Kolkata. UTC by default."},
        "--currency": {"help": "Currency of sessions that name none, instead of DEFAULT_CURRENCY."},
        "--sender": {"help": "The sender of its mails."},
        "--recipient": {
            "multiple": True,
            "help": "Who gets what concerns it: refunds, disputes, alerts. May be repeated.",
        },
        "--language": {
            "type": click.Choice(get_args(LanguageCode)),
            "help": "Of its mails; en by default.",
        },
        "--logo": {"help": "The https address of a picture."},
        "--return-origin": {
            "multiple": True,
            "help": "Where customers may return to: https://shop.example. May be repeated.",
        },
        "--lead-digest/--no-lead-digest": {
            "default": None,
            "help": "Mail the recipients which leads there were, once an hour at most.",
        },
        "--alert-off": {
            "multiple": True,
            "help": "A rule of which no alert is opened for it: jobs_late. May be repeated.",
        },
    }
    for name, settings in reversed(options.items()):
        command = click.option(name, **settings)(command)
    return command


def _fields(
    *,
    return_origin: tuple[str, ...],
    alert_off: tuple[str, ...],
    recipient: tuple[str, ...],
    lead_digest: bool | None,
    **given: str | None,
) -> MerchantFields:
    """Check what was given; an empty text resets a field. Raises `InvalidInput`."""
    names = {"currency": "defaultCurrency", "sender": "mailSender"}
    texts = {names.get(option, option): text for option, text in given.items()}
    nullable = {"defaultCurrency", "mailSender", "logo"}
    sent: dict[str, object] = {
        field: None if text == "" and field in nullable else text
        for field, text in texts.items()
        if text is not None
    }
    several = {
        "returnOrigins": return_origin,
        "alertsOff": alert_off,
        "mailRecipients": recipient,
    }
    for field, values in several.items():
        if values:
            sent[field] = [one for one in values if one]
    if lead_digest is not None:
        sent["leadDigest"] = lead_digest
    fields = decode_wire_model(MerchantFields, sent)
    assert isinstance(fields, MerchantFields)  # noqa: S101 - the model that was asked for
    return fields


@click.group()
def command() -> None:
    """Add, change, suspend and resume merchants.

    Keys, prices and sessions belong to a merchant. `default` exists from the first start: it owns
    the keys of the environment and users' tokens. A running server notices changes within five
    seconds.
    """


@command.command("list")
@click.option("--limit", type=click.IntRange(1, 100), default=100, show_default=True)
@click.option("--cursor", help="Where the last page ended.")
@data_dir_option
@lists
def list_all(limit: int, cursor: str | None, data_dir: Path) -> Found:
    """List the merchants, newest first."""
    place = cursor_of(cursor)

    async def work(_: Settings, __: Database) -> tuple[list[Merchant], Cursor | None]:
        return await list_merchants(cursor=place, limit=limit)

    merchants, following = with_database(data_dir, work)
    rows = [
        (one.id, one.name, one.zone, one.default_currency, _state(one), one.created_at)
        for one in merchants
    ]
    columns = ("id", "name", "zone", "currency", "state", "created")
    return page_of("merchants", columns, rows, following, empty="There are no merchants.")


@command.command("show")
@_merchant
@data_dir_option
@lists
def show_one(merchant_id: str, data_dir: Path) -> Found:
    """Show a merchant."""

    async def work(_: Settings, __: Database) -> Merchant:
        return await find_merchant(merchant_id, SystemClock().now())

    one = with_database(data_dir, work)
    currency = one.default_currency
    facts: dict[str, object] = {
        "id": one.id,
        "name": one.name,
        "zone": one.zone,
        "currency": Cell(currency or "DEFAULT_CURRENCY", currency),
        "sender": one.mail_sender,
        "recipients": tuple(one.mail_recipients),
        "language": one.language,
        "logo": one.logo,
        "return origins": tuple(one.return_origins),
        "state": _state(one),
        "created": one.created_at,
        "changed": one.updated_at,
    }
    if one.suspended is not None:
        facts |= {"since": one.suspended.at, "by": one.suspended.by}
        facts |= {"reason": one.suspended.reason}
    return Found([Facts("merchant", facts)])


@command.command("add")
@_merchant
@_profile
@data_dir_option
def add(merchant_id: str, data_dir: Path, **given: Any) -> None:
    """Add a merchant. Create its keys with `tillgate keys create KIND --merchant ID`."""
    clock, fields = SystemClock(), _fields(**given)

    async def work(_: Settings, __: Database) -> None:
        merchant = new_merchant(merchant_id, fields, clock.now())
        await add_merchant(Merchants(clock), merchant, operator(merchant_id))

    with_database(data_dir, work)
    say(f"Merchant {merchant_id} is added.")


@command.command("set")
@_merchant
@_profile
@data_dir_option
def set_one(merchant_id: str, data_dir: Path, **given: Any) -> None:
    """Change a merchant; an empty text, as in --logo "", resets a field.

    --return-origin replaces all of its return origins, --recipient all of its recipients.
    """
    fields: Row = _fields(**given).given()
    if not fields:
        raise click.UsageError("Say what to change: see `tillgate merchants set --help`.")

    async def work(_: Settings, __: Database) -> None:
        by = operator(merchant_id)
        await change_merchant(Merchants(SystemClock()), merchant_id, fields, by)

    with_database(data_dir, work)
    say(f"Merchant {merchant_id} is changed.")


@command.command("suspend")
@_merchant
@click.option("--reason", required=True, help="Stands in the audit trail.")
@data_dir_option
def suspend(merchant_id: str, reason: str, data_dir: Path) -> None:
    """Suspend a merchant: its keys and tokens are refused, its payments still recorded."""
    decode_wire_model(SuspendMerchant, {"reason": reason})

    async def work(_: Settings, __: Database) -> None:
        by = operator(merchant_id)
        await suspend_merchant(Merchants(SystemClock()), merchant_id, reason, by)

    with_database(data_dir, work)
    say(f"Merchant {merchant_id} is suspended.")


@command.command("resume")
@_merchant
@click.option("--reason", help="Stands in the audit trail.")
@data_dir_option
def resume(merchant_id: str, reason: str | None, data_dir: Path) -> None:
    """Resume a merchant: its keys and tokens are accepted again."""

    async def work(_: Settings, __: Database) -> None:
        by = operator(merchant_id)
        await resume_merchant(Merchants(SystemClock()), merchant_id, reason, by)

    with_database(data_dir, work)
    say(f"Merchant {merchant_id} is resumed.")


def _state(merchant: Merchant) -> str:
    return "active" if merchant.suspended is None else "suspended"
