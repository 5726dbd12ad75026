"""`tillgate migrate` on a database that the version before made, with sessions of all states."""

from contextlib import suppress
from datetime import timedelta
from typing import Any

import pytest
from pymongo.errors import BulkWriteError

from service.catalog.documents import Product
from service.catalog.repository import find_price
from service.core.clock import ManualClock
from service.core.errors import Misconfigured, Unavailable
from service.inbox.documents import WebhookEvent
from service.migrations import operations, repository
from service.migrations.errors import LayoutDiffers, MigrationUnderway
from service.migrations.operations import LEASE, difference, migrate, plan, require_layout
from service.migrations.steps import STEPS, inbox, payments, sessions
from service.migrations.steps import step as step_of
from service.migrations.steps.step import Run
from service.payments.payments.documents import Payment
from service.sessions.documents import Session
from service.storage.answering import Duplicate
from service.storage.database import Client, Database, Row
from service.storage.documents import StoredDocument, bind
from service.storage.indexes import find_drift, refuse_deadly_ttl
from service.storage.plain import in_transaction
from service.stored import DOCUMENTS
from tests.migrations.conftest import BY, everything, fill
from tests.storage.failing import failing

# How a database of before all migrations is refused.
_ALL = ", ".join(str(step.number) for step in STEPS)
_ROWS: tuple[type[StoredDocument], ...] = (Session, Payment, WebhookEvent)


async def by_id(database: Database, merchant_id: str = "default") -> dict[str, Row]:
    """Return the sessions of a merchant by their ids."""
    rows = await database["sessions"].find({"merchantId": merchant_id}).to_list()
    return {row["sessionId"]: row for row in rows}


async def test_an_event_may_have_prices_of_its_passes_beside_its_own(
    old: Database, clock: ManualClock
) -> None:
    vip = {"merchantId": "default", "item": "concert", "passId": "vip", "currency": "USD"}
    with pytest.raises(Duplicate):  # the older index
        await old["prices"].insert_one(dict(vip))
    await migrate(old, DOCUMENTS, clock, BY)
    await old["prices"].insert_one({**vip, "amount": 2000})
    price = await find_price("default", Product("concert"), "USD")
    assert price is not None
    assert price.amount == 1000


async def test_every_document_has_the_layout_of_today(old: Database, clock: ManualClock) -> None:
    ran, drift = await migrate(old, DOCUMENTS, clock, BY)
    assert [migration.id for migration in ran] == [step.number for step in STEPS]
    assert drift == await find_drift(old, DOCUMENTS) == []
    for document in _ROWS:
        for row in await old[document.collection_name()].find({}).to_list():
            today = document.model_validate(row).to_row()
            assert today == row


async def test_a_session_is_owned_by_who_opened_it(old: Database, clock: ManualClock) -> None:
    await migrate(old, DOCUMENTS, clock, BY)
    rows = await old["sessions"].find({"owner": {"$ne": "trusted"}}).to_list()
    assert {row["history"][0]["by"].partition(":")[0] for row in rows} == {"publishable"}
    assert len({row["owner"] for row in rows}) == len(rows) == 3
    assert await old["sessions"].count_documents({"history.0.by": {"$regex": "^publishable"}}) == 3


async def test_checkouts_keep_their_names_where_they_mean_one_session(
    old: Database, clock: ManualClock
) -> None:
    await migrate(old, DOCUMENTS, clock, BY)
    found = await by_id(old)
    refs = {name: [one["ref"] for one in row["checkouts"]] for name, row in found.items()}
    assert found["rzp-open"]["checkoutIds"] == sorted(["rzp-open", *refs["rzp-open"]])
    assert found["ppe-open"]["checkoutIds"] == ["ppe-open"]
    # Attempt 2 of `abc` went out as `abc-2`, which is also what a browser called its own session.
    assert found["abc"]["checkoutIds"] == sorted(["abc", *refs["abc"]])
    assert found["abc-2"]["checkoutIds"] == refs["abc-2"]
    # Two servers named one order: it stays with the first.
    assert found["named"]["checkoutIds"] == ["order_NamedByTheServer"]
    assert found["named-too"]["checkoutIds"] == []
    # The outcome of its opening is unknown: the same attempt is made again.
    assert found["unknown"]["opening"]["attemptId"] == "unknown"
    assert found["unknown"]["checkoutIds"] == ["unknown"]


async def test_names_that_two_sessions_share_are_told_apart_by_the_guard_alone(
    old: Database, clock: ManualClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The control: without it the older of the two would be taken for the other."""

    async def nobody(database: Database, rows: list[Row]) -> frozenset[str]:
        return frozenset()

    monkeypatch.setattr(sessions, "shared_attempts", nobody)
    await migrate(old, DOCUMENTS, clock, BY)
    assert "abc-2" in (await by_id(old))["abc"]["checkoutIds"]


async def test_what_became_of_checkouts_and_captures_is_kept(
    old: Database, clock: ManualClock
) -> None:
    await migrate(old, DOCUMENTS, clock, BY)
    found = await by_id(old)
    first, second = found["abc"]["checkouts"]
    assert first["closedAt"] is not None
    assert second["closedAt"] is None
    assert found["canceled"]["checkouts"][0]["closedAt"] is not None
    assert found["waits"]["checkouts"][0]["ended"] == "expired"
    ends = {name: row["checkoutEnded"] for name, row in found.items() if row["checkoutEnded"]}
    assert ends == {"ran-out": "expired", "failed": "failed"}
    assert found["held"]["capturing"]["paymentId"] == "pay_held"
    assert [name for name, row in found.items() if row["capturing"]] == ["held"]
    (decided,) = found["rejected"]["decisions"]
    assert (decided["paymentId"], decided["verdict"]) == ("pay_rejected", "rejected")
    assert decided["paid"] is True
    assert found["doubtful"]["decisions"] == []


async def test_of_two_captures_the_one_that_the_provider_was_told_goes_on(
    old: Database, clock: ManualClock
) -> None:
    told = {"topic": "provider.capture", "sessionId": "held"}
    first = await old["outbox"].find_one(told)
    assert first is not None
    later = first["createdAt"] + timedelta(minutes=1)
    payload = first["payload"] | {"providerPaymentId": "pay_second"}
    second = first | {"_id": "provider.capture:razorpay:pay_second", "payload": payload}
    await old["outbox"].insert_one(second | {"createdAt": later, "status": "done"})
    await old["sessions"].update_one(
        {"sessionId": "held"}, {"$push": {"liveAttempts": "pay_second"}}
    )
    await migrate(old, DOCUMENTS, clock, BY)
    assert (await by_id(old))["held"]["capturing"] == {"paymentId": "pay_second", "at": later}


async def test_a_name_in_the_shape_of_a_providers_own_id_claims_nothing(
    old: Database, clock: ManualClock
) -> None:
    shaped = {"sessionId": "order_DESlLckIVRkHWj", "merchantId": "default"}
    row = await old["sessions"].find_one({"sessionId": "waits"})
    assert row is not None
    checkouts = [one | {"ref": "cs_test_of_it"} for one in row["checkouts"]]
    copy = row | shaped | {"checkouts": checkouts, "userId": "another"}
    del copy["_id"]
    await old["sessions"].insert_one(copy)
    await migrate(old, DOCUMENTS, clock, BY)
    found = await by_id(old)
    assert found[shaped["sessionId"]]["checkoutIds"] == ["cs_test_of_it"]
    assert "waits" in found["waits"]["checkoutIds"]


async def test_settlements_by_hand_are_keyed_by_merchant_and_session(
    old: Database, clock: ManualClock
) -> None:
    await migrate(old, DOCUMENTS, clock, BY)
    found = await by_id(old) | {"theirs": (await by_id(old, "another"))["hand"]}
    by_hand = {name: found[name]["providerPaymentId"] for name in ("hand", "hand-named", "theirs")}
    assert by_hand == {
        "hand": "hand:default:hand",
        "hand-named": "hand:default:hand-named",
        "theirs": "hand:another:hand",
    }
    rows = {row["providerPaymentId"]: row["aliases"] async for row in old["payments"].find({})}
    assert {key: rows[key] for key in by_hand.values()} == {
        "hand:default:hand": [],
        "hand:default:hand-named": ["pi_unverified"],  # nobody but a person has told of it
        "hand:another:hand": [],
    }
    # Its provider has told of this one as well.
    assert found["hand-real"]["providerPaymentId"] == "pi_hand-real"
    assert rows["pi_hand-real"] == []
    payment = await old["payments"].find_one({"providerPaymentId": "hand:another:hand"})
    assert payment is not None
    assert payment["sessionOpenedAt"] == found["theirs"]["createdAt"]


async def test_events_of_one_body_are_one(old: Database, clock: ManualClock) -> None:
    before = {row["_id"]: row for row in await old["webhook_events"].find({}).to_list()}
    await migrate(old, DOCUMENTS, clock, BY)
    rows = await old["webhook_events"].find({"provider": "razorpay"}).to_list()
    by_name = {row["providerEventId"]: row for row in rows}
    assert len(rows) == 4
    assert {row["_id"] for row in rows} == {
        inbox.new_id(row) for row in before.values() if row["provider"] == "razorpay"
    }
    assert by_name["evHeldOne"]["status"] == "processed"
    (rejected,) = (row for row in rows if row["sessionId"] == "rejected")
    assert rejected["decision"]["reason"] == "too little"
    doubtful = (await by_id(old))["doubtful"]
    assert doubtful["review"]["eventId"] == by_name["evDoubt"]["_id"]
    held = (await by_id(old))["held"]
    assert held["history"][-1]["eventId"] == by_name["evHeldOne"]["_id"]
    others = {name for name in before if not name.startswith("razorpay:")}
    assert others <= {row["_id"] for row in await old["webhook_events"].find({}).to_list()}


async def test_of_two_copies_the_decided_one_counts(old: Database, clock: ManualClock) -> None:
    again, name = {"_id": "razorpay:default:test:evAgain"}, {"sessionId": "rejected"}
    await old["webhook_events"].update_one(again, {"$set": {"decision": None}})
    review = {"reason": "amount_mismatch", "eventId": again["_id"], "at": clock.now()}
    await old["sessions"].update_one(name, {"$set": {"review": review}})
    await migrate(old, DOCUMENTS, clock, BY)
    (row,) = await old["webhook_events"].find(name).to_list()
    assert row["decision"]["reason"] == "too little"
    assert (await by_id(old))["rejected"]["review"] is None


async def test_a_second_run_does_nothing(old: Database, clock: ManualClock) -> None:
    assert sum(sum(one.left.values()) for one in await plan(old)) > 0
    await migrate(old, DOCUMENTS, clock, BY)
    after = await everything(old)
    assert await migrate(old, DOCUMENTS, clock, BY) == ([], [])
    ran, _ = await migrate(old, DOCUMENTS, clock, BY, again=True)
    assert [sum(one.counts.values()) for one in ran] == [0] * len(STEPS)
    assert [sum(one.left.values()) for one in await plan(old, again=True)] == [0] * len(STEPS)
    assert await everything(old) == after


async def test_what_an_older_version_wrote_since_is_brought_by_running_again(
    old: Database, clock: ManualClock
) -> None:
    await migrate(old, DOCUMENTS, clock, BY)
    late = (await by_id(old))["token-open"]
    lacks = dict.fromkeys(("owner", "decisions", "checkoutIds", "capturing", "deletableAt"), "")
    await old["sessions"].update_one({"_id": late["_id"]}, {"$unset": lacks})
    (first, *_), _ = await migrate(old, DOCUMENTS, clock, BY, again=True)
    assert first.counts == {"sessions": 1}
    assert (await by_id(old))["token-open"] == late


class Killed(BaseException):
    """Ends a run as a signal does: nothing of ours catches it."""


async def test_a_run_that_is_killed_after_any_batch_is_gone_on_with(
    old: Database, clock: ManualClock, client: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    await migrate(old, DOCUMENTS, clock, BY)
    whole = await everything(old)
    await client.drop_database(old.name)
    await fill(old)
    for step in (sessions, payments):
        monkeypatch.setattr(step, "BATCH", 3)
    monkeypatch.setattr(inbox, "_BATCH", 3)
    killed = 0
    while await difference(old) is not None:
        killed += await _killed_after_one_batch(old, clock)
    assert killed > 10
    assert await everything(old) == whole
    assert len(await old["migrations"].find({}).to_list()) == len(STEPS)


async def _killed_after_one_batch(database: Database, clock: ManualClock) -> bool:
    """Run until the first batch that changes something is done; return whether it came so far."""

    with pytest.MonkeyPatch.context() as patch:
        add = Run.add

        def counted(self: Run, what: str, changed: int) -> None:
            add(self, what, changed)
            if changed:
                patch.setattr(Run, "breathe", _kill, raising=False)

        patch.setattr(Run, "add", counted)
        try:
            await migrate(database, DOCUMENTS, clock, BY)
        except Killed:
            # The process is gone, and gives nothing back: its lease runs out.
            clock.advance(LEASE)
            return True
    return False


async def _kill(self: Any = None) -> None:
    raise Killed


async def test_two_runs_at_once_are_one(old: Database, clock: ManualClock) -> None:
    now = clock.now()
    await old["leases"].insert_one({"_id": "migrate", "holder": "other", "until": now + LEASE})
    before = await everything(old)
    with pytest.raises(MigrationUnderway):
        await migrate(old, DOCUMENTS, clock, BY)
    assert await everything(old) == before
    clock.advance(LEASE)
    await migrate(old, DOCUMENTS, clock, BY)


async def test_a_run_whose_lease_was_taken_over_ends(
    old: Database, clock: ManualClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def slow(run: Run) -> None:
        await old["leases"].update_one({"_id": "migrate"}, {"$set": {"holder": "other"}})
        await run.breathe()

    monkeypatch.setattr(operations, "STEPS", [_with_run(slow)])
    with pytest.raises(MigrationUnderway):
        await migrate(old, DOCUMENTS, clock, BY)
    assert await old["migrations"].count_documents({}) == 0


def _with_run(run: Any) -> Any:
    return type(STEPS[0])(1, "slow", STEPS[0].left, run)


async def test_another_layout_is_refused_and_a_new_database_has_todays(
    old: Database, clock: ManualClock, client: Client
) -> None:
    with pytest.raises(LayoutDiffers, match=rf"{_ALL} has not run.*tillgate migrate"):
        await require_layout(old, clock)
    await migrate(old, DOCUMENTS, clock, BY)
    await require_layout(old, clock)
    await old["migrations"].insert_one({"_id": 99, "name": "later", "at": clock.now()})
    for refused in (require_layout(old, clock), migrate(old, DOCUMENTS, clock, BY)):
        with pytest.raises(LayoutDiffers, match="newer version"):
            await refused
    await client.drop_database(old.name)
    await bind(old, DOCUMENTS)
    await require_layout(old, clock)
    rows = await old["migrations"].find({}).sort("_id", 1).to_list()
    assert [(row["_id"], row["ran"]) for row in rows] == [(step.number, False) for step in STEPS]
    assert (await migrate(old, DOCUMENTS, clock, BY))[0] == []


async def _empty(database: Database) -> None:
    """Leave what the older version makes when it is only started: its indexes."""
    for document in DOCUMENTS:
        await database[document.collection_name()].delete_many({})


async def test_a_database_in_which_only_indexes_are_old_is_no_new_one(
    old: Database, clock: ManualClock
) -> None:
    """It was marked as new, and neither `serve` nor `migrate` went on from there."""
    await _empty(old)
    with pytest.raises(LayoutDiffers, match=rf"{_ALL} has not run.*tillgate migrate"):
        await require_layout(old, clock)
    assert await old["migrations"].count_documents({}) == 0
    assert (await plan(old))[3].left == {"indexes": 5}
    _, drift = await migrate(old, DOCUMENTS, clock, BY)
    assert drift == await find_drift(old, DOCUMENTS) == []
    await refuse_deadly_ttl(old)
    await require_layout(old, clock)


async def test_control_by_its_documents_alone_it_would_be_marked_and_stay_as_it_is(
    old: Database, clock: ManualClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(operations, "_is_new", repository.is_new)
    await _empty(old)
    await require_layout(old, clock)
    with pytest.raises(Misconfigured, match="purgeAt_ttl"):
        await migrate(old, DOCUMENTS, clock, BY)


async def test_a_plan_for_the_database_of_a_newer_version_says_so(
    old: Database, clock: ManualClock
) -> None:
    """`migrate --dry-run` ended with 0 there, as if the layout was this version's."""
    await old["migrations"].insert_one({"_id": 99, "name": "later", "at": clock.now()})
    for again in (False, True):
        with pytest.raises(LayoutDiffers, match="newer version"):
            await plan(old, again=again)


async def test_each_run_leaves_a_trace_of_who_ran_it(old: Database, clock: ManualClock) -> None:
    """The number in `migrations` is written over by a later run."""
    ran, _ = await migrate(old, DOCUMENTS, clock, BY)
    clock.advance(LEASE)
    await migrate(old, DOCUMENTS, clock, BY, again=True)
    trail = await old["audit_log"].find({}).sort("at", 1).to_list()
    assert {(row["actor"], row["action"]) for row in trail} == {
        ("admin:cli:ada", "database.migrated")
    }
    assert [row["object"] for row in trail] == [f"migration:{step.number}" for step in STEPS] * 2
    assert [row["detail"]["counts"] for row in trail[: len(STEPS)]] == [one.counts for one in ran]
    assert trail[-1]["detail"]["counts"] == {}


async def test_a_batch_is_bounded_and_written_as_a_whole_or_not_at_all(
    old: Database, client: Client
) -> None:
    """A database that does not answer is told as such; the next run begins where this ended."""
    assert repository.WITHIN_S == 60
    ids = [row["_id"] for row in await old["sessions"].find({}).sort("_id", 1).to_list()]
    marks: list[repository.Update] = [({"_id": one}, {"$set": {"mark": 1}}) for one in ids]
    refused: repository.Update = ({"_id": ids[0]}, {"$set": {"_id": "another"}})
    run = Run(old)
    async with failing(client, ["update"], errorCode=50):
        with pytest.raises(Unavailable):
            await run.update("sessions", marks)
    with pytest.raises(BulkWriteError):
        await run.update("sessions", [*marks, refused])
    assert await old["sessions"].count_documents({"mark": 1}) == 0
    assert await run.update("sessions", marks) == len(ids)


async def _changes_after_the_loss(
    old: Database, clock: ManualClock, monkeypatch: pytest.MonkeyPatch
) -> int:
    """Return how many sessions a step changes whose lease has run out meanwhile."""

    async def slow(run: Run) -> None:
        ids = await old["sessions"].distinct("_id")
        clock.advance(LEASE)
        await run.update("sessions", [({"_id": one}, {"$set": {"mark": 1}}) for one in ids])

    monkeypatch.setattr(operations, "STEPS", [_with_run(slow)])
    with suppress(MigrationUnderway):
        await migrate(old, DOCUMENTS, clock, BY)
    return await old["sessions"].count_documents({"mark": 1})


async def test_a_run_whose_lease_ran_out_changes_nothing_more(
    old: Database, clock: ManualClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert await _changes_after_the_loss(old, clock, monkeypatch) == 0
    assert await old["migrations"].count_documents({}) == 0


async def test_control_without_the_fence_it_changes_what_another_run_is_at(
    old: Database, clock: ManualClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def trusting(lease: object, work: Any, seconds: float = 3.0) -> Any:
        return await in_transaction(work, seconds)

    monkeypatch.setattr(step_of, "under", trusting)
    assert await _changes_after_the_loss(old, clock, monkeypatch) > 0
