"""`tillgate import`: bring in the sessions of an older stack."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import cast

import rich_click as click
from click.exceptions import Exit

from service.cli.database import with_database
from service.cli.options import data_dir_option, merchant_option, operator
from service.cli.screen import say, show_table
from service.core.clock import SystemClock
from service.core.errors import FieldProblem, InvalidInput
from service.core.money import currency_exists
from service.imports.mapping import ImportRules
from service.imports.operations import ImportReport, import_sessions
from service.imports.repository import Lines, Source, opened_source
from service.imports.values import Unit
from service.parts import lifetimes_of
from service.sessions.documents import Kind, Session
from service.settings import Settings
from service.storage.database import Database


@click.group()
def command() -> None:
    """Bring in sessions of an older stack."""


@command.command("sessions")
@click.option("--from", "collection", help="The old collection.")
@click.option(
    "--file",
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    help="A file in its place: each line is a row in JSON.",
)
@click.option("--currency", required=True, help="The currency of its amounts: INR, USD …")
@click.option(
    "--unit",
    type=click.Choice(["major", "minor"]),
    required=True,
    help="How its amounts count: major is 29.99, minor is 2999.",
)
@click.option("--source-uri", help="Its server, if it is another one.")
@click.option("--source-database", help="Its database, if it is another one.")
@click.option(
    "--kind",
    type=click.Choice(["payment", "checkout"]),
    help="What all of them are; told by the shape of each row by default.",
)
@click.option("--dry-run", is_flag=True, help="Read and count, and write nothing.")
@merchant_option
@data_dir_option
def sessions(data_dir: Path, *, file: Path | None, dry_run: bool, **options: str | None) -> None:
    """Bring an old collection, or a file, into `sessions`, as often as you like.

    Reads camelCase documents (sessionId, paymentMethod …) and snake_case rows (id, user_id,
    plan_price …); of a file those that mongoexport, bsondump or row_to_json wrote. A session that
    is there already is left alone. Amounts are taken exactly or not at all. Rows that can't be read
    are listed and left out; then it ends with 1.
    """
    name, currency = _wanted(file, options)
    by = operator(str(options["merchant"]))

    async def work(settings: Settings, database: Database) -> ImportReport:
        rules = ImportRules(
            merchant_id=str(options["merchant"]),
            currency=currency,
            unit=cast(Unit, options["unit"]),
            source=name,
            lifetimes=lifetimes_of(settings.sessions),
            now=SystemClock().now(),
            kind=cast(Kind | None, options["kind"]),
            origin="collection" if file is None else "file",
        )
        where = Lines(file) if file is not None else name
        async with _source(database, where, options) as source:
            return await import_sessions(source, rules, by, dry_run=dry_run)

    report = with_database(data_dir, work)
    rows = [(bad.name, bad.reason) for bad in report.refused]
    if rows:
        show_table(("row", "left out because"), rows, empty="")
    would = "would be " if dry_run else ""
    say(
        f"{report.read} rows read: {report.brought_in} {would}brought in, {report.present} there "
        f"already, {len(rows)} left out."
    )
    if rows:
        raise Exit(1)


def _wanted(file: Path | None, options: dict[str, str | None]) -> tuple[str, str]:
    """Return the name of what is brought in, and its currency.

    Raises `InvalidInput` for options that don't go together.
    """
    currency = str(options["currency"]).upper()
    if not currency_exists(currency):
        raise _wrong("currency", f"{currency!r} is not a currency of ISO 4217")
    collection = options["collection"]
    elsewhere = options["source_uri"] is not None or options["source_database"] is not None
    if file is not None:
        if collection is not None or elsewhere:
            raise _wrong("file", "has no server and no collection: leave those options out")
        return file.name, currency
    if collection is None:
        raise _wrong("from", "is missing: name a collection, or a file with --file")
    if not elsewhere and collection == Session.collection_name():
        raise _wrong("from", "is where sessions are kept: rename the old collection first")
    return collection, currency


@asynccontextmanager
async def _source(
    database: Database, where: Lines | str, options: dict[str, str | None]
) -> AsyncIterator[Source]:
    name = options["source_database"] or database.name
    if isinstance(where, Lines):
        yield where
    elif options["source_uri"] is None:
        yield database.client[name][where]
    else:
        async with opened_source(options["source_uri"], name, where) as source:
            yield source


def _wrong(field: str, message: str) -> InvalidInput:
    return InvalidInput(f"The {field} can't be used.", problems=(FieldProblem(field, message),))
