"""`tillgate reviews`: what waits for a person's decision, and deciding it on the record."""

from pathlib import Path

import rich_click as click
from msgspec.structs import replace

from service.cli.container import with_container
from service.cli.database import with_database
from service.cli.listing import Cell, Facts, Found, Rows, lists, page_of
from service.cli.options import Command, data_dir_option, merchant_option, operator
from service.cli.screen import say, show
from service.core.paging import Cursor, cursor_of, next_cursor
from service.reviews.operations.browse import DoubtOf, ReviewOf, list_reviews, read_review
from service.reviews.operations.choices import Choice, Wish
from service.reviews.operations.decide import decide_review
from service.reviews.operations.give_back import DecidedReview
from service.reviews.schemas import AcceptReview, ReviewsAnswer, review_item
from service.settings import Settings
from service.storage.database import Database
from service.web.wire import decode_wire_model
from service.wiring import Container


@click.group()
def command() -> None:
    """List what waits for a decision, and decide it: once and for good.

    ID is the event's, as `reviews list` shows it, or the session's.
    """


@command.command("list")
@click.option("--limit", type=click.IntRange(1, 100), default=20, show_default=True)
@click.option("--cursor", help="Where the last page ended.")
@merchant_option
@data_dir_option
@lists
def list_all(limit: int, cursor: str | None, merchant: str, data_dir: Path) -> Found:
    """List the open reviews, newest first, with the decisions that are possible now."""
    place = cursor_of(cursor)

    async def work(_: Settings, __: Database) -> tuple[list[ReviewOf], Cursor | None]:
        return await list_reviews(merchant, cursor=place, limit=limit)

    reviews, following = with_database(data_dir, work)
    rows = [_line(one, doubt) for one in reviews for doubt in one.doubts]
    columns = ("received", "session", "reason", "payment", "decisions", "id")
    page = page_of("reviews", columns, rows, following, empty="Nothing waits for a decision.")
    views = [review_item(one) for one in reviews]
    return replace(page, answer=ReviewsAnswer(views, next_cursor(following)))


@command.command("show")
@click.argument("review_id", metavar="ID")
@merchant_option
@data_dir_option
@lists
def show_one(review_id: str, merchant: str, data_dir: Path) -> Found:
    """Show what did not fit, and what each decision about it would do, or why it can't be taken."""

    async def work(_: Settings, __: Database) -> ReviewOf:
        return await read_review(merchant, review_id)

    review = with_database(data_dir, work)
    row = review.row
    facts = {
        "id": row.id,
        "session": row.session_id,
        "event": row.type,
        "received": row.received_at,
    }
    rows = [
        (one.doubt.about, one.doubt.reason, choice, "yes" if look.possible else "no", look.words)
        for one in review.doubts
        for choice, look in one.outlooks.items()
    ]
    columns = ("payment", "reason", "decision", "possible", "what it would do, or why not")
    return Found(
        [Facts("review", facts), Rows("outlooks", columns, rows)], answer=review_item(review)
    )


def _deciding(decide: Command) -> Command:
    """Take what every decision takes."""
    decide = data_dir_option(merchant_option(decide))
    decide = click.option("--payment", help="Which, where an event has several.")(decide)
    return click.argument("review_id", metavar="ID")(decide)


_why = click.option("--reason", help="Stands in the audit trail.")


@command.command("accept")
@_deciding
@_why
@click.option("--refund", type=click.IntRange(min=1), help="Give so much back, in minor units.")
def accept(
    review_id: str,
    payment: str | None,
    reason: str | None,
    refund: int | None,
    merchant: str,
    data_dir: Path,
) -> None:
    """Complete the session with a payment that did not fit; money that is held is captured first.

    A running server captures it, or the next `tillgate jobs run outbox`.
    """
    _decide(review_id, Wish(Choice.ACCEPT, reason, payment, refund), merchant, data_dir)


@command.command("reject")
@_deciding
@click.option("--reason", required=True, help="Stands in the audit trail.")
def reject(review_id: str, payment: str | None, reason: str, merchant: str, data_dir: Path) -> None:
    """Leave the session without a payment; the money's row in the ledger stays."""
    _decide(review_id, Wish(Choice.REJECT, reason, payment), merchant, data_dir)


@command.command(Choice.REJECT_AND_REFUND.value)
@_deciding
@click.option("--reason", required=True, help="Stands in the audit trail.")
def reject_and_refund(
    review_id: str, payment: str | None, reason: str, merchant: str, data_dir: Path
) -> None:
    """Leave the session without a payment, and give back what is left of it.

    Where the provider does not answer at once, a running server asks it again, or the next
    `tillgate jobs run outbox`.
    """
    _decide(review_id, Wish(Choice.REJECT_AND_REFUND, reason, payment), merchant, data_dir)


@command.command(Choice.SAME_MONEY.value)
@_deciding
@_why
def same_money(
    review_id: str, payment: str | None, reason: str | None, merchant: str, data_dir: Path
) -> None:
    """Take a payment for the money that was entered by hand, which is reversed."""
    _decide(review_id, Wish(Choice.SAME_MONEY, reason, payment), merchant, data_dir)


def _decide(review_id: str, wish: Wish, merchant: str, data_dir: Path) -> None:
    decode_wire_model(AcceptReview, {"reason": wish.reason, "paymentId": wish.payment_id})

    async def work(container: Container) -> DecidedReview:
        return await decide_review(
            review_id, wish, operator(merchant), container.services, container.refunding
        )

    decided = with_container(data_dir, work)
    session, refund = decided.session, decided.refund
    show(session.status.value)
    if refund is not None:
        say(f"Refund {refund.refund_id} of {refund.amount} {refund.currency} is {refund.status}.")
    left = f", and waits for {session.review.reason}" if session.review else ""
    say(f"Session {session.session_id} is {session.status.value}{left}.")


def _line(review: ReviewOf, doubt: DoubtOf) -> tuple[object, ...]:
    row, found = review.row, doubt.doubt
    possible = tuple(choice for choice, look in doubt.outlooks.items() if look.possible)
    shown = Cell(",".join(possible) or "none", possible)
    return row.received_at, row.session_id, found.reason, found.about, shown, row.id
