"""Dumps of an older stack: files of rows, a line each, as the tools of its database write them."""

import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from bson import Decimal128, ObjectId, json_util

from service.imports import repository
from service.imports.operations import import_sessions
from service.imports.repository import Lines
from service.sessions.documents import Session
from service.storage.database import Database
from tests.imports.old_rows import BY, payment_row, rules
from tests.imports.test_import import stored

# A row of PostgreSQL as `row_to_json` writes it.
SQL_ROW = {
    "id": "7c2b1f0e-4b7e-4b0e-9a55-0d6b0a4f8c11",
    "user_id": "0b9cf0a6-21c4-4d2a-8f0e-5a3b9d1c7e42",
    "email": "ada@example.com",
    "subscription_plan": "premium",
    "plan_price": 29.99,
    "payment_provider": "stripe",
    "stripe_session_id": "cs_test_a1",
    "status": "completed",
    "created_at": "2026-05-01T10:00:00+00:00",
    "expires_at": "2026-05-02T10:00:00+00:00",
    "completed_at": "2026-05-01T10:05:00.123456+00:00",
    "attempts": 1,
    "metadata": {"campaign": "spring"},
}


def lines_of(place: Path, *rows: str) -> Lines:
    """Write a file of lines."""
    file = place / "rows.json"
    file.write_text("\n".join(rows) + "\n")
    return Lines(file)


async def only(database: Database) -> Session:
    """Return the one session that there is."""
    (session,) = (await stored(database)).values()
    return session


async def test_a_row_of_sql_comes_in_as_it_was(database: Database, tmp_path: Path) -> None:
    source = lines_of(tmp_path, json.dumps(SQL_ROW))
    report = await import_sessions(
        source, rules(currency="USD", source="rows.json", origin="file"), BY, dry_run=False
    )
    session = await only(database)
    assert (report.read, report.brought_in) == (1, 1)
    assert (session.session_id, session.user_id) == (SQL_ROW["id"], SQL_ROW["user_id"])
    assert (session.amount, session.currency, session.plan) == (2999, "USD", "premium")
    assert (session.kind, session.status) == ("checkout", "completed")
    assert session.completed_at == datetime(2026, 5, 1, 10, 5, 0, 123000, UTC)
    assert session.metadata == {"campaign": "spring"}
    begun = await database.audit_log.find_one({"action": "import.began"})
    assert begun is not None
    assert begun["object"] == "file:rows.json"


async def test_what_mongoexport_wrote_is_the_same_as_the_collection(
    database: Database, tmp_path: Path
) -> None:
    row = payment_row(_id=ObjectId(), amount=Decimal128("1000.50"))
    written = json_util.dumps(row, json_options=json_util.RELAXED_JSON_OPTIONS)
    assert '"$date"' in written
    await import_sessions(lines_of(tmp_path, written), rules(), BY, dry_run=False)
    by_file = await only(database)
    await database.sessions.delete_many({})
    source = database["OldSessions"]
    await source.drop()
    await source.insert_one(row)
    await import_sessions(source, rules(), BY, dry_run=False)
    assert _comparable(by_file) == _comparable(await only(database))


def _comparable(session: Session) -> dict[str, Any]:
    drawn = {"client_secret_hash", "secret_salt", "id", "written_at"}
    return {name: value for name, value in session.model_dump().items() if name not in drawn}


@pytest.mark.parametrize(
    ("line", "reason"),
    [
        ("{not json", "it is not JSON"),
        ("[1, 2]", "it is not a JSON object"),
        ('{"_id": {"$oid": "short"}}', "it is not JSON"),
        ('{"a": ' + "[" * 20_000, "it is not JSON"),
        ('{"createdAt": {"$date": "never"}}', "it is not JSON"),
        ('{"amount": {"$numberDecimal": "ten"}}', "it is not JSON"),
        ('{"amount": {"$numberDecimal": "1E+99999999"}}', "it is not JSON"),
        ('{"amount": {"$binary": {}}}', "it is not JSON"),
    ],
)
async def test_a_line_that_can_not_be_read_holds_up_no_other(
    database: Database, tmp_path: Path, line: str, reason: str
) -> None:
    source = lines_of(tmp_path, line, "", json.dumps(SQL_ROW))
    report = await import_sessions(source, rules(currency="USD"), BY, dry_run=False)
    assert (report.read, report.brought_in) == (2, 1)
    (refused,) = report.refused
    assert refused.name == "line 1"
    assert refused.reason.startswith(reason)


@pytest.mark.parametrize(
    ("metadata", "reason"),
    [
        ('"\\ud800"', "metadata holds half of a surrogate pair"),
        ('{"a": ' + "[" * 600 + "]" * 600 + "}", "metadata"),
    ],
)
async def test_metadata_that_no_document_holds_leaves_out_its_row_alone(
    database: Database, tmp_path: Path, metadata: str, reason: str
) -> None:
    bad = json.dumps(SQL_ROW | {"id": "bad", "metadata": "HERE"}).replace('"HERE"', metadata)
    source = lines_of(tmp_path, bad, json.dumps(SQL_ROW))
    report = await import_sessions(source, rules(currency="USD"), BY, dry_run=False)
    assert (report.read, report.brought_in) == (2, 1)
    (refused,) = report.refused
    assert refused.reason.startswith(reason)


@pytest.mark.parametrize(("longest", "brought_in"), [(3000, 1), (5000, 2)])
async def test_a_line_that_is_too_long_is_left_out_and_never_read_as_a_whole(
    database: Database,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    longest: int,
    brought_in: int,
) -> None:
    monkeypatch.setattr(repository, "LONGEST_LINE", longest)
    another = {"id": "long", "user_id": "grace", "stripe_session_id": "cs_test_a2"}
    long = json.dumps(SQL_ROW | another | {"other": "x" * 4000})
    source = lines_of(tmp_path, long, json.dumps(SQL_ROW))
    report = await import_sessions(source, rules(currency="USD"), BY, dry_run=False)
    assert (report.read, report.brought_in) == (2, brought_in)
    reasons = [one.reason for one in report.refused]
    assert reasons == ([] if brought_in == 2 else ["it is longer than 3000 bytes"])
