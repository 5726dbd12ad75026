"""`tillgate indexes`: show and create indexes and validators."""

from pathlib import Path

import rich_click as click

from service.audit.operations import Act, record
from service.cli.database import with_database
from service.cli.listing import Found, Rows, lists
from service.cli.options import data_dir_option, operator
from service.cli.screen import say, warn
from service.core.clock import SystemClock
from service.settings import Settings
from service.storage.answering import answers_in_time
from service.storage.database import Database
from service.storage.indexes import Drift, apply_indexes
from service.storage.plain import NO_TRANSACTION
from service.stored import DOCUMENTS, drift_of


@click.group()
def command() -> None:
    """Show and create indexes and validators. Nothing is dropped: `tillgate migrate` does that."""


@command.command("show")
@data_dir_option
@lists
def show_indexes(data_dir: Path) -> Found:
    """List the declared indexes, and how the database differs. Changes nothing."""
    drift = with_database(data_dir, _find, prepare=False)
    found = {(one.collection, one.index): one.kind for one in drift}
    rows = [
        (name, index.document["name"], found.get((name, index.document["name"]), "there"))
        for name, document in ((document.collection_name(), document) for document in DOCUMENTS)
        for index in document.declared_indexes()
    ]
    missing = any(one.kind == "missing" for one in drift)
    return Found(
        [Rows("indexes", ("collection", "index", "state"), rows)],
        warnings=[str(one) for one in drift if one.kind != "missing"],
        notes=["Create what is missing with: tillgate indexes apply"] if missing else [],
    )


@command.command("apply")
@data_dir_option
def apply(data_dir: Path) -> None:
    """Create what is missing and set the validators.

    What differs from its declaration is reported and left alone: you decide.
    """
    _warn_of(with_database(data_dir, _apply))
    declared = sum(len(document.declared_indexes()) for document in DOCUMENTS)
    say(f"{len(DOCUMENTS)} collections have their validators and {declared} indexes.")


async def _find(_: Settings, database: Database) -> list[Drift]:
    return await drift_of(database)


async def _apply(_: Settings, database: Database) -> list[Drift]:
    missing = [one for one in await drift_of(database) if one.kind == "missing"]
    left = await apply_indexes(database, DOCUMENTS)
    made = [f"{one.collection}.{one.index}" for one in missing]
    act = Act("indexes.applied", "database", detail={"made": [*made], "left": len(left)})
    async with answers_in_time():
        await record(NO_TRANSACTION, operator(), act, SystemClock().now())
    return left


def _warn_of(drift: list[Drift]) -> None:
    for one in drift:
        warn(str(one))
