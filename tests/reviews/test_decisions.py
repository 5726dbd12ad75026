"""Every decision, on every state of the money and of the session: what it does, or why it can't."""

import itertools
from typing import Any

import pytest

from service.reviews.operations import choices, find
from service.reviews.operations.choices import Outlook
from service.storage.database import Row
from tests.support.reviews import disagreements
from tests.support.shop import Shop, a_few_at_once, completions

LEDGER = (
    *("succeeded", "authorized", "pending", "failed"),
    *("refunded", "abandoned", "none", "foreign"),
)
SESSIONS = ("pending", "processing", "completed", "canceled", "expired", "failed")
DECISIONS = ("accept", "reject", "same-money")


def _expected(decision: str, ledger: str, status: str) -> str:
    """Return the session's status after the decision, or the code of its refusal."""
    if decision == "same-money":
        return "not_the_same_money"
    if decision == "reject":
        return "pending" if status == "processing" else status
    if ledger == "succeeded":
        return "completed"
    if ledger == "authorized" and status not in {"completed", "canceled"}:
        return "processing"  # money on its way calls an ended session back
    return "only_rejectable" if ledger == "foreign" else "payment_not_succeeded"


async def _in_review(shop: Shop, ledger: str, status: str) -> tuple[str, str]:
    """Bring a session, its payment of another amount and their states about."""
    session = await shop.api.open(paymentMethod="razorpay")
    sid = session["sessionId"]
    kind = "payment.captured" if ledger != "authorized" else "payment.authorized"
    assert (await shop.api.told(shop.razorpay(kind, session, amount=900)))["outcome"] == "review"
    fields: dict[str, Any] = {"status": status}
    if status == "processing":
        fields["liveAttempts"] = [f"pay_{sid}"]
    if status == "completed":
        fields["providerPaymentId"] = "pay_another"
    await shop.database["sessions"].update_one({"sessionId": sid}, {"$set": fields})
    rows = shop.database["payments"]
    if ledger == "none":
        await rows.delete_one({"providerPaymentId": f"pay_{sid}"})
    else:
        stands = {"sessionId": "other"} if ledger == "foreign" else {"status": ledger}
        await rows.update_one({"providerPaymentId": f"pay_{sid}"}, {"$set": stands})
    [row] = await shop.events(sessionId=sid)
    return sid, str(row["_id"])


@pytest.mark.parametrize("decision", DECISIONS)
async def test_every_decision_on_every_state_of_money_and_session(
    shop: Shop, decision: str
) -> None:
    states = list(itertools.product(LEDGER, SESSIONS))
    cases = await a_few_at_once(_in_review(shop, *state) for state in states)
    found = (await shop.admin("GET", "/reviews?limit=100")).json()["reviews"]
    listed = {review["id"]: review for review in found}
    paths = [f"/reviews/{event_id}/{decision}" for _, event_id in cases]
    body = {"reason": "so"}
    answers = await a_few_at_once(shop.admin("POST", path, json=body) for path in paths)
    for (ledger, status), (sid, event_id), answer in zip(states, cases, answers, strict=True):
        wanted = _expected(decision, ledger, status)
        case = f"{decision} {ledger} money, {status} session: {answer.text}"
        review, stored = listed[event_id], await shop.session(sid)
        assert (decision in review["decisions"]) == (answer.status_code == 200), case
        if answer.status_code == 200:
            held = decision == "accept" and ledger == "authorized"
            _check_decided(stored, wanted, status, held=held)
            assert await _captures(shop, sid) == held, case
        else:
            assert (answer.status_code, answer.json()["error"]) == (409, wanted), case
            assert answer.json()["detail"] == review["why"][decision], case
            assert (stored["status"], stored["decisions"]) == (status, []), case
    assert await disagreements(shop.database) == []


def _check_decided(stored: Row, wanted: str, before: str, *, held: bool) -> None:
    assert stored["status"] == wanted
    assert (stored["review"] or {}).get("reason") == ("awaiting_capture" if held else None)
    assert (stored["capturing"] is not None) == held
    paid = wanted == "completed" != before
    assert stored["late"] == (paid and before in {"canceled", "expired", "failed"})


async def _captures(shop: Shop, sid: str) -> int:
    return len([one for one in await shop.messages("provider.capture") if one["sessionId"] == sid])


async def test_control_without_the_guard_money_that_is_under_way_completes(
    shop: Shop, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(find, "outlook", lambda *_: Outlook("anything goes"))
    for ledger in ("pending", "failed", "none", "foreign"):
        sid, event_id = await _in_review(shop, ledger, "pending")
        assert (await shop.admin("POST", f"/reviews/{event_id}/accept")).status_code == 200
        assert (await shop.session(sid))["status"] == "completed"
    sid, event_id = await _in_review(shop, "authorized", "canceled")
    assert (await shop.admin("POST", f"/reviews/{event_id}/accept")).status_code == 200
    assert len(await shop.messages("provider.capture")) == 1


async def test_control_without_the_claim_another_session_s_money_completes(
    shop: Shop, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(choices, "is_own", lambda *_: True)
    sid, event_id = await _in_review(shop, "foreign", "pending")
    assert (await shop.admin("POST", f"/reviews/{event_id}/accept")).status_code == 200
    assert completions(await shop.session(sid)) == 1
