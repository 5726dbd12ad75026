"""The drill's oracle: it says nothing of what is there, and names each write that is lost."""

import pytest

from service.storage.database import Database
from tests.failovers.books import Books
from tests.support.api import Api
from tests.support.events import stripe_checkout, stripe_event


async def _acknowledged(api: Api) -> Books:
    """Open and pay three sessions."""
    books = Books()
    for number in range(3):
        session = await api.open(sessionId=f"s-{number}")
        books.opened.append(session["sessionId"])
        found = stripe_checkout(session)
        await api.told(stripe_event("checkout.session.completed", found, event_id=f"evt_{number}"))
        books.paid[f"evt_{number}"] = session["sessionId"]
    return books


async def test_what_is_there_is_not_lost(api: Api, database: Database) -> None:
    assert await (await _acknowledged(api)).lost(database) == []


@pytest.mark.parametrize(
    ("collection", "by", "words"),
    [
        ("sessions", {"sessionId": "s-1"}, "session s-1 was opened"),
        ("webhook_events", {"eventId": "evt_1"}, "event evt_1 was taken"),
        ("payments", {"sessionId": "s-1"}, "session s-1 was paid"),
    ],
)
async def test_control_a_row_that_is_gone_is_named(
    api: Api, database: Database, collection: str, by: dict[str, str], words: str
) -> None:
    books = await _acknowledged(api)
    assert (await database[collection].delete_one(by)).deleted_count == 1
    assert words in await books.lost(database)


async def test_control_a_completion_that_was_rolled_back_is_named(
    api: Api, database: Database
) -> None:
    books = await _acknowledged(api)
    one = {"sessionId": "s-2", "status": "completed"}
    await database["sessions"].update_one(one, {"$set": {"status": "pending"}})
    assert await books.lost(database) == ["session s-2 was completed"]
