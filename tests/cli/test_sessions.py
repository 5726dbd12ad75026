"""`tillgate sessions` and `payments`: what support asks for, without a route or a page."""

import asyncio
import json

from tests.cli.running import Run
from tests.support.built import app
from tests.support.settings import SECRET
from tests.support.shop import Shop, shop

__all__ = ["app", "shop"]


async def _told(run: Run, *arguments: str) -> str:
    done = await asyncio.to_thread(run, *arguments)
    assert done.returncode == 0, done.stderr
    return done.stdout


async def _paid(shop: Shop) -> str:
    session = await shop.api.open()
    answer = await shop.api.told(shop.stripe_paid(session))
    assert answer["outcome"] == "processed"
    return str(session["sessionId"])


async def test_sessions_are_listed_by_how_they_stand(shop: Shop, run: Run) -> None:
    sid, other = await _paid(shop), (await shop.api.open())["sessionId"]
    line = (await _told(run, "sessions", "list", "--status", "completed")).strip().split("\t")
    assert line[1:] == ["completed", "10.00 INR", "stripe", "user_123", sid]
    assert other in await _told(run, "sessions", "list", "--user", "user_123")
    assert await _told(run, "sessions", "list", "--merchant", "shop-2") == ""
    assert await _told(run, "sessions", "list", "--provider", "upi") == ""
    page = json.loads(await _told(run, "sessions", "list", "--limit", "1", "--json"))
    rest = await _told(run, "sessions", "list", "--json", "--cursor", page["nextCursor"])
    found = [one["sessionId"] for one in (*page["sessions"], *json.loads(rest)["sessions"])]
    assert sorted(found) == sorted([sid, other])


async def test_a_session_is_shown_by_any_id_that_leads_to_it(shop: Shop, run: Run) -> None:
    sid = await _paid(shop)
    for any_id in (sid, f"pi_{sid}"):
        shown = dict(
            line.split("\t") for line in (await _told(run, "sessions", "show", any_id)).splitlines()
        )
        assert (shown["id"], shown["status"]) == (sid, "completed")
        assert shown["why"].startswith("It was completed by")
    done = await asyncio.to_thread(run, "sessions", "show", "nothing")
    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr.startswith("error ")
    done = await asyncio.to_thread(run, "sessions", "show", sid, "--merchant", "shop-2")
    assert done.returncode == 1


async def test_programs_read_what_the_route_answers(shop: Shop, run: Run) -> None:
    sid = await _paid(shop)
    answer = await shop.api.call("GET", f"/api/payment-sessions/{sid}/timeline", SECRET)
    assert json.loads(await _told(run, "sessions", "timeline", sid, "--json")) == answer.json()
    answer = await shop.api.call("GET", f"/api/payments/pi_{sid}", SECRET)
    assert json.loads(await _told(run, "payments", "show", sid, "--json")) == answer.json()


async def test_a_timeline_is_told_in_the_order_of_events(shop: Shop, run: Run) -> None:
    sid = await _paid(shop)
    done = await asyncio.to_thread(run, "sessions", "timeline", sid)
    kinds = [line.split("\t")[1] for line in done.stdout.splitlines()]
    assert kinds == ["event", "payment", "move", "move", "outbox"][: len(kinds)]
    assert "It was completed" in done.stderr


async def test_payments_are_listed_and_shown_with_what_hangs_on_them(shop: Shop, run: Run) -> None:
    sid = await _paid(shop)
    line = (await _told(run, "payments", "list")).strip().split("\t")
    assert line[1:] == ["succeeded", "10.00 INR", "0.00 INR", "stripe", sid, f"pi_{sid}"]
    assert await _told(run, "payments", "list", "--status", "failed") == ""
    shown = await _told(run, "payments", "show", f"pi_{sid}")
    assert f"session\t{sid}\n" in shown
    assert "\ttry\tsucceeded\t" in shown
    unpaid = (await shop.api.open())["sessionId"]
    done = await asyncio.to_thread(run, "payments", "show", unpaid)
    assert (done.returncode, done.stdout) == (0, "")
    assert "Nothing was paid." in done.stderr
    done = await asyncio.to_thread(run, "payments", "show", "nothing")
    assert done.returncode == 1


async def test_a_review_is_shown_with_what_each_decision_would_do(shop: Shop, run: Run) -> None:
    session = await shop.api.open()
    sid = str(session["sessionId"])
    answer = await shop.api.told(shop.stripe_paid(session, amount_total=999))
    assert answer["outcome"] == "review"
    shown = await _told(run, "reviews", "show", sid)
    assert f"session\t{sid}\n" in shown
    assert f"pi_{sid}\tamount_mismatch\taccept\tyes\tCompletes the session" in shown
    [review] = json.loads(await _told(run, "reviews", "list", "--json"))["reviews"]
    assert json.loads(await _told(run, "reviews", "show", review["id"], "--json")) == review
    done = await asyncio.to_thread(run, "reviews", "show", sid, "--merchant", "shop-2")
    assert done.returncode == 1
