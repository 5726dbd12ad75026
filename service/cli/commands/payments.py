"""`tillgate payments`: what came in, and what has become of it."""

from collections.abc import Sequence
from pathlib import Path

import rich_click as click
from msgspec.structs import replace

from service.cli.database import with_database
from service.cli.listing import Facts, Found, Rows, lists, page_of
from service.cli.options import data_dir_option, merchant_option, operator
from service.core.clock import SystemClock
from service.core.paging import Cursor, cursor_of
from service.payments.history.operations.gather import Told, Whole, list_payments
from service.payments.history.repository import PaymentFilter
from service.payments.history.schemas.ledger import payments_answer
from service.payments.payments.states import PaymentStatus
from service.providers.money import to_major
from service.providers.registry import REGISTRY
from service.sessions.operations.caller import Caller
from service.settings import Settings
from service.storage.database import Database
from service.timeline.operations.find_named import Named, find_named
from service.timeline.schemas import found_answer


@click.group()
def command() -> None:
    """Look at payments, with their refunds, tries and disputes."""


@command.command("list")
@click.option("--status", type=click.Choice([one.value for one in PaymentStatus]))
@click.option("--provider", type=click.Choice(tuple(REGISTRY)))
@click.option("--user", help="Payments of one user.")
@click.option("--limit", type=click.IntRange(1, 100), default=20, show_default=True)
@click.option("--cursor", help="Where the last page ended.")
@merchant_option
@data_dir_option
@lists
def list_all(data_dir: Path, merchant: str, limit: int, **given: str | None) -> Found:
    """List payments, newest first."""
    wanted = PaymentFilter(
        merchant_id=merchant,
        user_id=given["user"],
        status=PaymentStatus(given["status"]) if given["status"] else None,
        provider=given["provider"],
    )
    place = cursor_of(given["cursor"])

    async def work(_: Settings, __: Database) -> tuple[list[Told], Cursor | None]:
        return await list_payments(wanted, cursor=place, limit=limit)

    found, following = with_database(data_dir, work)
    rows = [_line(one) for one in found]
    columns = ("came", "status", "amount", "given back", "provider", "session", "id")
    page = page_of("payments", columns, rows, following, empty="There are no such payments.")
    return replace(page, answer=payments_answer(found, following))


@command.command("show")
@click.argument("any_id", metavar="ID")
@merchant_option
@data_dir_option
@lists
def show_one(any_id: str, merchant: str, data_dir: Path) -> Found:
    """Show the payments that an ID leads to, with all that the ledger has of them.

    ID is any: of a payment, charge, invoice, order, refund, dispute, session or checkout, or the
    bank's reference.
    """
    caller = Caller(operator(merchant))

    async def work(_: Settings, __: Database) -> Named:
        return await find_named(any_id, caller)

    named = with_database(data_dir, work)
    session = named.session
    parts = [part for whole in named.payments for part in _parts(whole)]
    note = f"tillgate sessions timeline {session.session_id} tells the rest." if session else ""
    return Found(
        parts,
        answer=found_answer(named, caller, SystemClock().now()),
        notes=[] if session is None else [note if parts else f"Nothing was paid. {note}"],
    )


def _parts(whole: Whole) -> Sequence[Facts | Rows]:
    payment, told = whole.told.payment, whole.told
    facts = {
        "id": payment.provider_payment_id,
        "status": payment.status.value,
        "amount": _price(payment.amount, told),
        "given back": _price(payment.refunded, told),
        "provider": payment.provider,
        "session": payment.session_id,
        "user": payment.user_id,
        "came": payment.created_at,
    }
    refunds = [
        (one.created_at, "refund", one.status.value, _price(one.amount, told), one.refund_id)
        for one in told.refunds
    ]
    tries = [
        (one.made_at, "try", one.status, one.failure_message, one.attempt_id)
        for one in told.attempts
    ]
    disputes = [
        (one.created_at, "dispute", one.status.value, _price(one.amount, told), str(one.id))
        for one in whole.disputes
    ]
    rows = sorted([*tries, *refunds, *disputes], key=lambda row: row[0])
    balances = [(*key, amount) for key, amount in sorted(whole.balances.items())]
    return [
        Facts("payment", facts),
        Rows("since", ("at", "kind", "status", "what", "id"), rows),
        Rows("balances", ("account", "currency", "minor units"), balances),
    ]


def _line(told: Told) -> tuple[object, ...]:
    one = told.payment
    return (
        *(one.created_at, one.status.value, _price(one.amount, told)),
        *(_price(one.refunded, told), one.provider, one.session_id, one.provider_payment_id),
    )


def _price(amount: int, told: Told) -> str:
    payment = told.payment
    return f"{to_major(amount, payment.provider, payment.currency)} {payment.currency}"
