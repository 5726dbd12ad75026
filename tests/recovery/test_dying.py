"""A job that is killed while it reminds: nobody is forgotten, and nobody reminded twice."""

import asyncio
import json
import signal
import sys
from collections import Counter
from collections.abc import AsyncIterator
from itertools import count
from typing import Any

import pytest
import pytest_asyncio

from service.recovery.operations import remind
from tests.recovery.leaving import Leaving
from tests.recovery.test_reminding import _complete as complete

_MOST_WRITES = 40
_ROOMS = ("sessions", "recoveries", "outbox", "deliveries", "mail_messages")


class Killed:
    """Processes that remind, each killed at a write, and what comes of it afterwards."""

    def __init__(self, leaving: Leaving, uri: str, process: asyncio.subprocess.Process) -> None:
        """Have nobody killed yet."""
        self._leaving, self._uri, self._process = leaving, uri, process
        self._users = count()

    async def before(
        self, number: int, of: str | None = None, *, apart: bool = False
    ) -> tuple[int, int] | None:
        """Have a customer leave, the job killed before its n-th write, and another go on.

        Return how often the customer counts as reminded, and how many mails came; None where it did
        not come to that write.
        """
        user = f"joe{next(self._users)}"
        to = f"{user}@customer.example"
        left = await self._leaving.begin(email=to, userId=user)
        await self._leaving.pass_time(hours=2)
        lived = await self._lives({"at": number, "of": of, "apart": apart})
        await self._go_on()
        mails = self._leaving.mails(to)
        assert len({mail["Message-ID"] for mail in mails}) <= 1
        found = await self._leaving.recovery(left["sessionId"])
        for name in _ROOMS:  # the next one is alone again
            await self._leaving.shop.database[name].delete_many({})
        outcome = 0 if found is None else found["reminders"], len(mails)
        assert not lived or outcome == (1, 1)
        return None if lived else outcome

    async def _lives(self, job: dict[str, Any]) -> bool:
        mailing = self._leaving.mailing
        job |= {"uri": self._uri, "database": mailing.shop.database.name}
        job |= {"now": mailing.shop.clock.now().isoformat(), "smtp": mailing.server.url}
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.write(f"{json.dumps(job)}\n".encode())
        while line := await self._process.stdout.readline():  # its log is in between
            if line.startswith(b"over "):
                code = int(line.split()[1])
                assert code in {0, -signal.SIGKILL}
                return code == 0
        raise AssertionError("the process that forks the others has ended")

    async def _go_on(self) -> None:
        """Do what the next process does: at once, and once all leases are over."""
        # What mongod does itself once a transaction has stood for a minute.
        await self._leaving.shop.database.client.admin.command({"killAllSessions": []})
        for minutes in (0, 10, 20):
            self._leaving.shop.pass_time(minutes=minutes)
            await self._leaving.remind()


@pytest_asyncio.fixture(scope="module")
async def victims() -> AsyncIterator[asyncio.subprocess.Process]:
    """The process that forks those that are killed: a whole start for each would take seconds."""
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "tests.recovery.victim"),
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
    )
    yield process
    assert process.stdin is not None
    process.stdin.close()
    await process.wait()


@pytest.fixture
def killed(leaving: Leaving, mongo_uri: str, victims: asyncio.subprocess.Process) -> Killed:
    """What reminds, and can be killed."""
    return Killed(leaving, mongo_uri, victims)


async def test_one_that_is_killed_has_the_next_remind_its_customer_once(killed: Killed) -> None:
    """Before it is taken up, claimed, told of; before its mail is there, or handed over."""
    writes = [("recoveries", 0), ("recoveries", 1), ("outbox", 0)]
    writes += [("mail_messages", 0), ("mail_messages", 2)]
    assert [await killed.before(number, of) for of, number in writes] == [(1, 1)] * len(writes)


async def test_control_killed_before_it_is_noted_that_the_server_has_it_there_are_two_copies(
    killed: Killed,
) -> None:
    """Of one mail, by its Message-ID: SMTP can't say what was taken."""
    assert await killed.before(3, "mail_messages") == (1, 2)


async def test_control_without_the_transaction_it_is_counted_and_nobody_is_reminded(
    killed: Killed,
) -> None:
    assert await killed.before(0, "outbox", apart=True) == (1, 0)


@pytest.mark.soak
async def test_killed_before_any_write_at_all_it_is_one_reminder(killed: Killed) -> None:
    """A start of the service for each of some 28 writes."""
    outcomes: Counter[tuple[int, int]] = Counter()
    for number in range(_MOST_WRITES):
        outcome = await killed.before(number)
        if outcome is None:
            break
        outcomes[outcome] += 1
    assert 20 < sum(outcomes.values()) < _MOST_WRITES
    assert (set(outcomes), outcomes[1, 2]) == ({(1, 1), (1, 2)}, 1)


@pytest.mark.parametrize("pays", [True, False], ids=["pays", "control"])
async def test_who_pays_between_the_look_and_the_reminder_gets_no_mail(
    leaving: Leaving, monkeypatch: pytest.MonkeyPatch, pays: bool
) -> None:
    session, real = (await leaving.begin())["sessionId"], remind.look_at

    await leaving.pass_time(hours=2)

    async def paid_meanwhile(*given: Any) -> Any:
        looked = await real(*given)
        if pays:
            await complete(leaving, session)
        return looked

    monkeypatch.setattr(remind, "look_at", paid_meanwhile)
    assert (await leaving.remind()).reminded == 1
    mail = await leaving.mailing.the_mail(template="reminder")
    assert mail["status"] == ("suppressed" if pays else "sent")
    await leaving.pass_time(hours=7)
    assert (await leaving.run()).reminded == (not pays)
