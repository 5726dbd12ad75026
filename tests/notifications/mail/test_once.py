"""A mail is sent once however often the process dies around it, but for the one window there is."""

import asyncio
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest

from service.core.clock import EARLIEST
from service.notifications.mail import repository
from service.notifications.mail.sending.send import MOST_COPIES, send_due
from tests.notifications.mail.mailing import CUSTOMER, Mailing


class Died(BaseException):
    """A process that ended on the spot: whoever cleans up after it is gone, too."""


async def _dies(*given: Any, **named: Any) -> None:
    raise Died


@contextmanager
def _dying(patch: pytest.MonkeyPatch, *names: str) -> Iterator[None]:
    """Let the process die where it would call one of these; what comes after does not happen."""
    with patch.context() as inside:
        for name in (*names, "give_back"):
            inside.setattr(repository, name, _dies)
        with pytest.raises(Died):
            yield


async def _killed(mailing: Mailing, uri: str, at: str) -> int | None:
    """Send in another process, which is killed at a point; then the lease is over."""
    arguments = ("-m", "tests.notifications.mail.dying", uri, "tillgate_test")
    running = await asyncio.create_subprocess_exec(
        sys.executable, *arguments, mailing.server.url, at
    )
    code = await running.wait()
    await _lease_is_over(mailing)
    return code


async def _lease_is_over(mailing: Mailing) -> None:
    mails = mailing.shop.database["mail_messages"]
    await mails.update_many({"status": "pending"}, {"$set": {"nextAttemptAt": EARLIEST}})


async def _waiting(mailing: Mailing) -> None:
    await mailing.born()
    await mailing.bought()
    await mailing.shop.api.settle()


@pytest.mark.parametrize(
    ("points", "copies"),
    [
        (("claimed", "named", "noted"), 1),
        (("taken",), 2),
    ],
)
async def test_a_process_that_is_killed_leaves_one_mail_and_two_only_after_the_servers_yes(
    mailing: Mailing, mongo_uri: str, points: tuple[str, ...], copies: int
) -> None:
    await _waiting(mailing)
    for at in points:
        assert await _killed(mailing, mongo_uri, at) == -9
    await mailing.settle()
    assert len(mailing.server.to(CUSTOMER)) == copies
    assert len(set(mailing.server.ids())) == 1
    assert (await mailing.the_mail())["status"] == "sent"


async def test_a_process_that_dies_each_time_sends_two_copies_at_most(
    mailing: Mailing, monkeypatch: pytest.MonkeyPatch
) -> None:
    await _waiting(mailing)
    for _ in range(MOST_COPIES):
        with _dying(monkeypatch, "keep"):
            await send_due(mailing.services)
        await _lease_is_over(mailing)
    for _ in range(3):
        await send_due(mailing.services)
        await _lease_is_over(mailing)
    assert len(mailing.server.taken) == MOST_COPIES
    row = await mailing.the_mail()
    assert (row["status"], row["handedOver"]) == ("unsure", 2)


async def test_control_without_the_note_each_death_sends_another_copy(
    mailing: Mailing, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def nothing_noted(*given: Any) -> bool:
        return True

    monkeypatch.setattr(repository, "begin_handing_over", nothing_noted)
    await _waiting(mailing)
    for _ in range(5):
        with _dying(monkeypatch, "keep"):
            await send_due(mailing.services)
        await _lease_is_over(mailing)
    assert len(mailing.server.taken) == 5


async def test_many_processes_at_once_send_each_mail_once(mailing: Mailing) -> None:
    await mailing.born()
    for n in range(30):
        await mailing.bought(userId=f"user_{n}", email=f"joe{n}@customer.example")
    await mailing.shop.api.settle()
    await asyncio.gather(*(send_due(mailing.services) for _ in range(8)))
    await mailing.send()
    assert len(mailing.server.taken) == 30
    assert len(set(mailing.server.ids())) == 30


async def test_a_message_that_is_delivered_twice_makes_no_second_mail(mailing: Mailing) -> None:
    await _waiting(mailing)
    deliveries = mailing.shop.database["deliveries"]
    again = {"status": "pending", "nextAttemptAt": EARLIEST, "claim": None}
    done = await deliveries.update_many({"subscriber": "mail"}, {"$set": again})
    assert done.modified_count == 1
    await mailing.settle()
    assert len(mailing.server.taken) == 1


async def test_who_lost_a_mail_to_another_before_the_text_hands_nothing_over(
    mailing: Mailing, monkeypatch: pytest.MonkeyPatch
) -> None:
    await _waiting(mailing)
    genuine = repository.begin_handing_over

    async def late(*given: Any) -> bool:
        monkeypatch.setattr(repository, "begin_handing_over", genuine)
        await _lease_is_over(mailing)
        await send_due(mailing.services)
        return await genuine(*given)

    monkeypatch.setattr(repository, "begin_handing_over", late)
    await send_due(mailing.services)
    assert len(mailing.server.taken) == 1
