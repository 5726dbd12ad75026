"""Deliveries as providers make them: signed at each try, retried, recorded, given up."""

import asyncio
from datetime import timedelta

import httpx

from service.core.clock import ManualClock
from service.storage.database import Database
from tests.sandbox.lab import Lab, running_lab
from tests.support.patience import IN_TIME
from tillgate_sandbox import repository
from tillgate_sandbox.delivering import RETRY_AFTER_S, deliver_due, delivering
from tillgate_sandbox.documents import SandboxCheckout
from tillgate_sandbox.playing import happen
from tillgate_sandbox.states import Happening


async def _paid(lab: Lab, *faults: str, **chaos: int) -> SandboxCheckout:
    _, before = await lab.open(sessionId="s-1")  # part of what the dice are seeded with
    after = before.model_copy(update={"chaos": {"faults": list(faults), **chaos}})
    assert await repository.change_checkout(before, after)
    return await happen(await lab.checkout(before.id), Happening.PAID, lab.sandbox)


async def test_provider_posts_again_after_growing_pauses_until_it_gives_up(
    lab: Lab, clock: ManualClock
) -> None:
    checkout = await _paid(lab)
    began = clock.now()

    async with httpx.AsyncClient(transport=httpx.MockTransport(_fail)) as http:
        while (due_at := await repository.next_due_at()) is not None:
            clock.advance(max(due_at - clock.now(), timedelta()))
            await deliver_due(lab.sandbox, http)

    first, *_ = await lab.deliveries(checkout.session_id)
    assert first.status == "given_up"
    assert [attempt.status for attempt in first.attempts] == [503] * 4
    pauses = [1.0, 4.0, 10.0]
    assert [(one.at - began).total_seconds() for one in first.attempts] == [0.0, *pauses]
    assert RETRY_AFTER_S["stripe"] == (1, 3, 6)


def _fail(_: httpx.Request) -> httpx.Response:
    return httpx.Response(503, json={"error": "unavailable"})


async def test_delivery_without_an_answer_is_recorded_and_repeated(
    lab: Lab, clock: ManualClock
) -> None:
    checkout = await _paid(lab)

    def refuse(request: httpx.Request) -> httpx.Response:
        raise httpx.ConnectError("nobody listens", request=request)

    async with httpx.AsyncClient(transport=httpx.MockTransport(refuse)) as http:
        await deliver_due(lab.sandbox, http)
    await lab.deliver_all()

    first, *_ = await lab.deliveries(checkout.session_id)
    assert [attempt.status for attempt in first.attempts] == [None, 200]
    assert first.attempts[0].error == "no answer: ConnectError"
    assert first.attempts[1].outcome == "processed"
    assert (first.attempts[1].latency_ms or 0) > 0


async def test_each_try_is_signed_at_its_own_time(lab: Lab, clock: ManualClock) -> None:
    await _paid(lab)
    signed: list[str] = []

    def fail(request: httpx.Request) -> httpx.Response:
        signed.append(request.headers["stripe-signature"].partition(",")[0])
        return httpx.Response(500)

    async with httpx.AsyncClient(transport=httpx.MockTransport(fail)) as http:
        for _ in range(3):
            await deliver_due(lab.sandbox, http)
            clock.advance(timedelta(seconds=5))

    assert len(set(signed)) >= 3


async def test_what_is_sent_again_is_the_same_byte_for_byte(lab: Lab, clock: ManualClock) -> None:
    _, before = await lab.open(paymentMethod="razorpay", currency="INR")
    await happen(before, Happening.PAID, lab.sandbox)
    bodies: list[bytes] = []
    clock.advance(timedelta(seconds=1))  # until all of them are due

    def fail(request: httpx.Request) -> httpx.Response:
        bodies.append(request.content)
        return httpx.Response(500)

    async with httpx.AsyncClient(transport=httpx.MockTransport(fail)) as http:
        for _ in range(3):
            await deliver_due(lab.sandbox, http)
            clock.advance(timedelta(seconds=5))

    events = len(await lab.deliveries(before.session_id))
    assert len(bodies) == 3 * events
    assert len(set(bodies)) == events  # its hash is the event's id


async def test_lost_answer_makes_the_provider_repeat_what_was_applied(lab: Lab) -> None:
    checkout = await _paid(lab, "drop", seed=1)

    await lab.deliver_all()

    tries = [one.attempts for one in await lab.deliveries(checkout.session_id)]
    errors = [attempt.error for attempts in tries for attempt in attempts if attempt.error]
    assert "the answer was lost on its way" in errors
    assert any(attempts[-1].outcome == "duplicate" for attempts in tries)
    assert all(attempts[-1].status == 200 for attempts in tries)
    assert (await lab.api.read(checkout.session_id))["status"] == "completed"


async def test_forged_deliveries_are_refused_once_and_the_session_is_completed(lab: Lab) -> None:
    checkout = await _paid(lab, "bad_signature", "old_secret", "foreign_route")

    await lab.deliver_all()

    forged = [one for one in await lab.deliveries(checkout.session_id) if one.tamper]
    assert len(forged) == 3
    assert all(one.status == "given_up" for one in forged)
    assert all([attempt.status for attempt in one.attempts] == [400] for one in forged)
    session = await lab.api.read(checkout.session_id)
    assert (session["status"], session["review"]) == ("completed", None)


async def test_two_deliverers_at_once_post_nothing_twice(lab: Lab) -> None:
    checkout = await _paid(lab, "duplicate", copies=20)
    lab.sandbox.clock.advance(timedelta(seconds=1))  # type: ignore[attr-defined]

    tried = await asyncio.gather(*(deliver_due(lab.sandbox, lab.api.http, 100) for _ in range(4)))

    assert sum(tried) == 40
    assert all(len(one.attempts) == 1 for one in await lab.deliveries(checkout.session_id))
    session = await lab.api.read(checkout.session_id)
    assert [move["to"] for move in session["history"]].count("completed") == 1


async def _under_way(lab: Lab, abandoned: SandboxCheckout) -> bool:
    open_still = (await lab.checkout(abandoned.id)).status == "open"
    return open_still or await repository.next_due_at() is not None


async def test_loop_delivers_over_http_and_expires_what_runs_out(
    database: Database, clock: ManualClock
) -> None:
    async with running_lab(database, clock, loop=False) as lab:
        checkout = await _paid(lab)
        _, abandoned = await lab.open()
        clock.advance(timedelta(hours=1))
        async with delivering(lab.sandbox):
            async with asyncio.timeout(IN_TIME):
                while await _under_way(lab, abandoned):  # noqa: ASYNC110 - no event to await
                    await asyncio.sleep(0.02)

    # The loop ended with its block; what it did is on record.
    assert (await lab.checkout(abandoned.id)).status == "expired"
    told = [one.type for one in await lab.deliveries(abandoned.session_id)]
    assert told == ["checkout.session.expired"]
    assert (await lab.deliveries(checkout.session_id))[0].attempts[0].status == 200
