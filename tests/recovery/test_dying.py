"""A job that dies while it reminds: a customer is reminded once, and counted as often."""

from typing import Any

import pytest

from service.recovery.operations import remind, writing
from service.storage.plain import NO_TRANSACTION
from tests.recovery.leaving import Leaving
from tests.recovery.test_reminding import _complete as complete


class _Died(Exception):
    """A process that is gone."""


async def _left(leaving: Leaving) -> str:
    """Leave a session, and come to where a reminder is due; return its id."""
    session = (await leaving.begin())["sessionId"]
    await leaving.pass_time(hours=2)
    return str(session)


async def _dies(leaving: Leaving, name: str) -> None:
    """Run the job, which dies where it would call what is named."""

    async def die(*_: Any) -> None:
        raise _Died

    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(writing.outbox, name, die)
        with pytest.raises(_Died):
            await leaving.run()


async def _reminders(leaving: Leaving, session_id: str) -> int:
    found = await leaving.recovery(session_id)
    return 0 if found is None else int(found["reminders"])


async def test_one_that_dies_between_the_claim_and_the_message_has_done_neither(
    leaving: Leaving,
) -> None:
    session = await _left(leaving)
    await _dies(leaving, "add_once")
    assert (await _reminders(leaving, session), await leaving.reminders()) == (0, [])
    await leaving.pass_time(minutes=10)  # its lease is over
    assert (await leaving.remind()).reminded == 1
    assert (await _reminders(leaving, session), len(leaving.mails())) == (1, 1)


async def test_control_without_the_transaction_nobody_is_reminded_and_it_is_counted(
    leaving: Leaving, monkeypatch: pytest.MonkeyPatch
) -> None:
    real = writing.repository.move_on

    async def apart(recovery: Any, change: Any, _: Any) -> bool:
        return await real(recovery, change, NO_TRANSACTION)

    monkeypatch.setattr(writing.repository, "move_on", apart)
    session = await _left(leaving)
    await _dies(leaving, "add_once")
    assert (await _reminders(leaving, session), await leaving.reminders()) == (1, [])


async def test_one_that_dies_after_its_message_has_the_next_process_send_it(
    leaving: Leaving,
) -> None:
    session = await _left(leaving)
    assert (await leaving.run()).reminded == 1
    assert leaving.mails() == []  # nothing of this process goes on
    await leaving.pass_time(minutes=10)
    assert (await leaving.remind()).reminded == 0
    assert (await _reminders(leaving, session), len(leaving.mails())) == (1, 1)


@pytest.mark.parametrize("pays", [True, False], ids=["pays", "control"])
async def test_who_pays_between_the_look_and_the_reminder_gets_no_mail(
    leaving: Leaving, monkeypatch: pytest.MonkeyPatch, pays: bool
) -> None:
    session, real = await _left(leaving), remind.look_at

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
