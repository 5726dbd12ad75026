"""Old collections brought in on a real database."""

from bson import Decimal128, ObjectId

from service.imports.operations import import_sessions
from service.sessions.documents import Session
from service.storage.database import Database
from tests.imports.old_rows import BY, checkout_row, payment_row, rules


async def stored(database: Database) -> dict[str, Session]:
    """Return all sessions by their id."""
    return {row["sessionId"]: Session.model_validate(row) async for row in database.sessions.find()}


async def test_a_collection_is_brought_in_once_however_often(database: Database) -> None:
    source = database["OldSessions"]
    await source.drop()
    rows = [payment_row(_id=ObjectId(), sessionId=f"T_{number}") for number in range(1200)]
    await source.insert_many(rows)
    first = await import_sessions(source, rules(), BY, dry_run=False)
    before = await stored(database)
    again = await import_sessions(source, rules(), BY, dry_run=False)
    assert (first.read, first.brought_in, first.present) == (1200, 1200, 0)
    assert (again.read, again.brought_in, again.present) == (1200, 0, 1200)
    assert await stored(database) == before
    assert len(before) == 1200


async def test_a_session_that_is_there_is_never_overwritten(database: Database) -> None:
    source = database["OldSessions"]
    await source.drop()
    await source.insert_one(payment_row())
    await import_sessions(source, rules(), BY, dry_run=False)
    await source.update_one({}, {"$set": {"status": "failed", "amount": 5}})
    report = await import_sessions(source, rules(), BY, dry_run=False)
    (session,) = (await stored(database)).values()
    assert report.present == 1
    assert (session.status, session.amount) == ("completed", 100_000)


async def test_bad_rows_hold_up_no_good_ones(database: Database) -> None:
    source = database["OldSessions"]
    await source.drop()
    await source.insert_many(
        [
            payment_row(_id=1, sessionId="bad", amount=10.005),
            payment_row(_id=2, sessionId="good", amount=Decimal128("10.05")),
            payment_row(_id=3, sessionId="good"),
        ]
    )
    report = await import_sessions(source, rules(), BY, dry_run=False)
    assert (report.read, report.brought_in) == (3, 1)
    assert [(row.name, row.reason) for row in report.refused] == [
        ("bad", "the amount 10.005 is no whole number of minor units of INR"),
        ("good", "its id stands twice"),
    ]
    assert (await stored(database))["good"].amount == 1005


async def test_a_dry_run_counts_the_same_and_writes_nothing(database: Database) -> None:
    source = database["OldSessions"]
    await source.drop()
    await source.insert_many([payment_row(_id=1, sessionId="a"), payment_row(_id=2, amount=-1)])
    dry = await import_sessions(source, rules(), BY, dry_run=True)
    assert await stored(database) == {}
    wet = await import_sessions(source, rules(), BY, dry_run=False)
    assert vars(dry) == vars(wet)


async def test_a_second_open_checkout_of_a_user_is_left_out_and_told(database: Database) -> None:
    source = database["OldSessions"]
    await source.drop()
    await source.insert_many([checkout_row(_id=1, id="one"), checkout_row(_id=2, id="two")])
    report = await import_sessions(source, rules(currency="USD"), BY, dry_run=False)
    assert report.brought_in == 1
    assert [row.reason for row in report.refused] == [
        "a session of this user, plan and provider is open, or another has its checkout"
    ]


async def test_what_was_brought_in_survives_the_next_cleanup(database: Database) -> None:
    source = database["OldSessions"]
    await source.drop()
    await source.insert_one(payment_row(status="expired"))
    await import_sessions(source, rules(), BY, dry_run=False)
    (session,) = (await stored(database)).values()
    assert session.purge_at is not None
    assert session.purge_at > rules().now
