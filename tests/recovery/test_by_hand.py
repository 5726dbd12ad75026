"""What a merchant sets, looks at and does by hand."""

from typing import Any

import pytest

from tests.notifications.mail.mailing import CUSTOMER
from tests.recovery.leaving import INR, Leaving
from tests.sessions.asking import key_of_another_merchant
from tests.support.api import SECRET


async def _left(leaving: Leaving, **fields: Any) -> str:
    session = await leaving.begin(**fields)
    await leaving.pass_time(minutes=90)
    await leaving.policy(heldOut=0, quietFrom=13, quietUntil=15)
    assert (await leaving.remind()).left == 1
    return str(session["sessionId"])


async def test_one_is_sent_at_once_whatever_hour_it_is_and_is_on_the_record(
    leaving: Leaving,
) -> None:
    session_id = await _left(leaving)
    assert leaving.mails() == []  # it is quiet
    seen = (await leaving.shop.admin("GET", f"/recovery/{session_id}/preview")).json()
    assert seen["dueAt"] == "2026-11-21T15:00:00Z"
    assert seen["why"] is None
    assert "you have not finished paying" in seen["mail"]["subject"]
    assert "/resume?t=" in seen["mail"]["text"]
    sent = await leaving.shop.admin("POST", f"/recovery/{session_id}/send")
    assert (sent.status_code, sent.json()["recovery"]["reminders"]) == (200, 1)
    await leaving.mailing.settle()
    assert len(leaving.mails()) == 1
    acts = leaving.shop.database["audit_log"].find({"action": "recovery.sent"})
    [act] = await acts.to_list()
    assert (act["object"], act["detail"]) == (f"session:{session_id}", {"number": 1})
    # The next one is six hours away, whoever sent this one.
    await leaving.pass_time(hours=4)
    assert (await leaving.remind()).reminded == 0


@pytest.mark.parametrize("why", ["paid", "held_out", "unsubscribed", "often", "paused"])
async def test_who_may_not_be_written_to_is_not_by_hand_either(leaving: Leaving, why: str) -> None:
    session_id = await _left(leaving)
    admin, recoveries = leaving.shop.admin, leaving.shop.database["recoveries"]
    if why == "paid":
        body = {"sessionId": session_id, "status": "completed", "reason": "at the bank"}
        await leaving.shop.api.call("PATCH", "/api/payment-sessions", json=body)
    if why == "held_out":
        await recoveries.update_one({}, {"$set": {"arm": "held_out"}})
    if why == "unsubscribed":
        await admin("POST", "/mail/suppressions", json={"email": CUSTOMER.upper()})
    if why == "often":
        await recoveries.update_one({}, {"$set": {"reminders": 3}})
    if why == "paused":
        await admin("PATCH", "/recovery/policy", json={"paused": True})
    refused = await admin("POST", f"/recovery/{session_id}/send")
    assert (refused.status_code, refused.json()["error"]) == (409, "reminder_refused")
    assert await leaving.reminders() == []


async def test_what_nobody_left_is_not_there(leaving: Leaving) -> None:
    await leaving.begin(sessionId="just-begun")
    for method, act in (("GET", "preview"), ("POST", "send")):
        answer = await leaving.shop.admin(method, f"/recovery/just-begun/{act}")
        assert (answer.status_code, answer.json()["error"]) == (404, "recovery_not_found")


async def test_what_was_left_is_listed_newest_first_and_by_its_status(leaving: Leaving) -> None:
    for n in range(3):
        await leaving.begin(userId=f"u{n}", email=f"u{n}@customer.example", sessionId=f"s-{n}")
        await leaving.pass_time(minutes=62)
        await leaving.remind()
    first = (await leaving.shop.admin("GET", "/recovery?limit=2")).json()
    rest = (await leaving.shop.admin("GET", f"/recovery?cursor={first['nextCursor']}")).json()
    listed = [one["sessionId"] for one in (*first["recoveries"], *rest["recoveries"])]
    assert listed == ["s-2", "s-1", "s-0"]
    assert "customer.example" not in str(first)
    paid = (await leaving.shop.admin("GET", "/recovery?status=paid")).json()
    assert paid["recoveries"] == []


@pytest.mark.parametrize(
    "wrong",
    [
        {"after": []},
        {"after": [7, 1]},
        {"after": [1, 2, 3, 4]},
        {"after": [0]},
        {"after": [24]},
        {"quietFrom": 24},
        {"quietUntil": -1},
        {"heldOut": 51},
        {"mostADay": 0},
        {"mail": "yes"},
        {"unknown": 1},
    ],
)
async def test_a_policy_that_cannot_be_is_refused(leaving: Leaving, wrong: dict[str, Any]) -> None:
    answer = await leaving.shop.admin("PUT", "/recovery/policy", json=wrong)
    assert answer.status_code == 400, answer.text
    named = {
        problem["field"].partition(".")[0].partition("[")[0] for problem in answer.json()["errors"]
    }
    assert named == set(wrong)


async def test_a_policy_is_one_merchants_and_no_key_but_an_admins_reads_it(
    leaving: Leaving,
) -> None:
    path = "/api/admin/recovery/policy"
    assert (await leaving.shop.api.call("GET", path, SECRET)).status_code == 403
    other = await key_of_another_merchant(leaving.shop.clock)
    assert (await leaving.shop.api.call("GET", path, other)).status_code == 403
    found = (await leaving.shop.admin("GET", "/recovery/policy?merchant=another")).json()
    assert found["recovery"]["enabled"] is False


async def test_the_lift_compares_both_arms_and_takes_refunds_off(leaving: Leaving) -> None:
    for n in range(4):
        await leaving.begin(userId=f"u{n}", email=f"u{n}@customer.example", sessionId=f"s-{n}")
    await leaving.pass_time(minutes=62)
    await leaving.remind()
    held = {"sessionId": {"$in": ["s-2", "s-3"]}}
    recoveries = leaving.shop.database["recoveries"]
    await recoveries.update_many(held, {"$set": {"arm": "held_out"}})
    for session_id in ("s-0", "s-2"):
        body = {"sessionId": session_id, "status": "completed", "reason": "at the bank"}
        await leaving.shop.api.call("PATCH", "/api/payment-sessions", json=body)
    payments = leaving.shop.database["payments"]
    await payments.update_one({"sessionId": "s-0"}, {"$set": {"refunded": 20000}})
    for _ in range(2):
        await leaving.pass_time(hours=40)
        await leaving.remind()
    lift = (await leaving.shop.admin("GET", "/recovery/lift?days=10")).json()["lift"]
    for arm in ("reminded", "heldOut"):
        counted = {name: lift[arm][name] for name in ("waiting", "counted", "paid", "rate")}
        assert counted == {"waiting": 0, "counted": 2, "paid": 1, "rate": 0.5}
    assert lift["difference"]["by"] == 0
    assert lift["difference"]["low"] < 0 < lift["difference"]["high"]
    nets = {one["arm"]: (one["paid"], one["refunded"], one["net"]) for one in lift["money"]}
    whole = INR["amount"]
    assert nets == {"reminded": (whole, 20000, 30000), "held_out": (whole, 0, whole)}
