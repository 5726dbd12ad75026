"""Rows that were written to hurt: each is told and left out, and holds up no other."""

from datetime import UTC, datetime
from typing import Any

import bson
import pytest
from bson import DatetimeMS
from bson.codec_options import CodecOptions
from bson.errors import InvalidBSON
from bson.raw_bson import RawBSONDocument

from service.imports import operations, repository, values
from service.imports.operations import ImportReport, import_sessions
from service.sessions.documents import Session
from service.storage.database import Database
from tests.imports.old_rows import BY, payment_row, rules

ESCAPE, TURNED = "\x1b]0;owned\x07", "\u202egpj.exe"
YEAR_10000, YEAR_0 = DatetimeMS(253402300800000), DatetimeMS(-62167219200001)

HOSTILE: dict[str, dict[str, Any]] = {
    "a-escape": {"userId": f"u{ESCAPE}"},
    "b-c1": {"userId": "u\x9b2J"},
    "c-turned": {"email": f"ada{TURNED}@example.com"},
    "d-lines": {"couponCode": "EARLY\nALL IS WELL"},
    "e-large": {"metadata": {"note": "x" * 5_000_000}},
    "f-large-text": {"metadata": '{"note": "' + "x" * 5_000_000 + '"}'},
    "g-deep-text": {"metadata": "[" * 15_000},
    "h-metadata": {"metadata": {"note": [{"deep": ESCAPE}]}},
    "i-metadata-key": {"metadata": {TURNED: 1}},
    "j-metadata-text": {"metadata": '{"note": "\\u001b[2J"}'},
    "k-nan": {"metadata": {"note": float("nan")}},
    "l-year-10000": {"createdAt": YEAR_10000},
    "m-year-0": {"updatedAt": YEAR_0},
    "n-first-day": {"createdAt": "0001-01-01T00:00:00+14:00"},
    "o-last-day": {"createdAt": datetime(9999, 12, 31, 23, 59, tzinfo=UTC), "expiresAt": None},
    "p-last-hour": {"expiresAt": datetime(9999, 12, 31, 23, 59, tzinfo=UTC)},
    "q-status": {"status": f"paid{ESCAPE}"},
    "r-amount": {"amount": "9" * 5000},
}


def undecodable() -> RawBSONDocument:
    """A row whose text is not UTF-8, as an old driver of another language wrote it."""
    raw = bson.encode({"_id": "z-bytes", "sessionId": "z-bytes", "userId": "u___"})
    return RawBSONDocument(raw.replace(b"u___", b"u\xff\xfe\xfd"))


async def imported(database: Database, *names: str) -> ImportReport:
    """Import hostile rows between two good ones, on a new collection."""
    source = database["OldSessions"]
    await source.drop()
    rows: list[Any] = [payment_row(_id="0", sessionId="0-good")]
    rows += [payment_row(_id=name, sessionId=name) | HOSTILE[name] for name in names]
    await source.insert_many([*rows, payment_row(_id="zz", sessionId="zz-good")])
    return await import_sessions(source, rules(), BY, dry_run=False)


async def stored(database: Database) -> list[str]:
    """Return the ids of all sessions."""
    return sorted([row["sessionId"] async for row in database.sessions.find({}, {"sessionId": 1})])


async def test_each_is_told_and_skipped_and_the_run_goes_on(database: Database) -> None:
    report = await imported(database, *HOSTILE)
    assert await stored(database) == ["0-good", "zz-good"]
    assert (report.read, report.brought_in, report.present) == (len(HOSTILE) + 2, 2, 0)
    assert [row.name for row in report.refused] == list(HOSTILE)
    for row in report.refused:
        assert row.reason.isprintable(), row
        assert len(row.reason) < 200, row
    told = {row.name: row.reason for row in report.refused}
    assert told["a-escape"].endswith("u\\u001b]0;owned\\u0007")
    assert told["e-large"].startswith("metadata has 50000")
    assert "outside of the years 1 to 9999" in told["l-year-10000"]


async def test_a_row_that_cant_be_decoded_is_told_by_its_number(database: Database) -> None:
    source = database["OldSessions"]
    await source.drop()
    await source.insert_one(payment_row(_id="0", sessionId="0-good"))
    raw = source.with_options(codec_options=CodecOptions(document_class=RawBSONDocument))
    await raw.insert_one(undecodable())
    await source.insert_one(payment_row(_id="zz", sessionId="zz-good"))
    report = await import_sessions(source, rules(), BY, dry_run=False)
    assert await stored(database) == ["0-good", "zz-good"]
    ((name, reason),) = [(row.name, row.reason) for row in report.refused]
    assert name == "row 2"
    assert reason.startswith("it can't be decoded")


async def test_a_row_that_the_database_refuses_holds_up_no_other(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    def to_row(session: Session) -> dict[str, Any]:
        row = written(session)
        return row | {"amount": "free"} if session.session_id == "a-odd" else row

    written = Session.to_row
    monkeypatch.setattr(Session, "to_row", to_row)
    monkeypatch.setitem(HOSTILE, "a-odd", {})
    report = await imported(database, "a-odd")
    assert await stored(database) == ["0-good", "zz-good"]
    assert (report.brought_in, [row.name for row in report.refused]) == (2, ["a-odd"])
    assert "the database refused it" in report.refused[0].reason


async def test_the_control_without_the_guards_they_come_in_or_end_the_run(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(values, "has_hidden", lambda text: False)
    monkeypatch.setattr(values, "LARGEST_METADATA", 10_000_000)
    await imported(database, "a-escape", "c-turned", "e-large", "h-metadata")
    assert len(await stored(database)) == 6
    monkeypatch.setattr(repository, "_PLAIN", CodecOptions[Any](tz_aware=True))
    monkeypatch.setattr(repository, "InvalidBSON", ZeroDivisionError)
    with pytest.raises(InvalidBSON):
        await imported(database, "l-year-10000")


async def test_a_batch_holds_as_many_bytes_as_memory_has_room_for(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    sizes: list[int] = []
    judged = operations._readable

    def counted(rows: Any, *rest: Any) -> list[Session]:
        sizes.append(len(rows))
        return judged(rows, *rest)

    monkeypatch.setattr(operations, "_readable", counted)
    monkeypatch.setattr(repository, "_BATCH_BYTES", 1000)
    source = database["OldSessions"]
    await source.drop()
    await source.insert_many([payment_row(_id=n, sessionId=f"s-{n}") for n in range(20)])
    report = await import_sessions(source, rules(), BY, dry_run=True)
    assert report.read == sum(sizes) == 20
    assert max(sizes) < 5
