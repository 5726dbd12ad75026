"""Sessions that were left, and what reminders bring, as the page shows them."""

from urllib.parse import quote

from msgspec import Struct

from service.core.money import exponent, to_major
from service.core.words import moment
from service.dashboard.money import Standing, facts, session_link, standing
from service.recovery.documents import Recovery, RecoveryPolicy
from service.recovery.operations.lift import ArmCount, Lift
from service.recovery.states import RecoveryStatus

_TONES = {
    RecoveryStatus.WAITING: "info",
    RecoveryStatus.PAID: "good",
    RecoveryStatus.UNPAID: "soft",
}


class LeftLine(Struct, frozen=True):
    """A session that was left."""

    session_id: str
    title: str
    status: Standing
    more: list[tuple[str, str]]
    session: str | None
    preview: str


def left_line(one: Recovery) -> LeftLine:
    """Show a session that was left, and what came of it."""
    waits = one.status is RecoveryStatus.WAITING
    return LeftLine(
        session_id=one.session_id,
        title=f"{one.item.partition(':')[2].strip(':')}, {one.session_id}",
        status=standing(one.status.value, _TONES[one.status]),
        more=facts(
            [
                ("Left", moment(one.left_at)),
                ("Customer", "held out" if one.arm == "held_out" else "reminded"),
                ("Reminders", one.reminders),
                ("Last one", moment(one.reminded_at) if one.reminded_at else None),
                ("Looked at again", moment(one.next_at) if waits else None),
                ("Link used", one.resumed),
                ("Paid by", one.via),
            ]
        ),
        session=session_link(one.session_id),
        preview=f"/dashboard/recovery/{quote(one.session_id, safe='')}",
    )


def policy_facts(policy: RecoveryPolicy) -> list[tuple[str, str]]:
    """Show how a merchant's customers are reminded."""
    return facts(
        [
            ("Hours after", ", ".join(map(str, policy.after))),
            ("Quiet", f"from {policy.quiet_from} to {policy.quiet_until} o'clock"),
            ("Held out", f"{policy.held_out} %"),
            ("A day", f"{policy.sent} of {policy.most_a_day} sent"),
            ("A customer", f"{policy.most_a_customer} in {policy.customer_days} days"),
            ("By mail", "yes" if policy.mail else "no, the event alone"),
        ]
    )


def lift_facts(found: Lift) -> list[tuple[str, str]]:
    """Show what reminders brought."""
    by = found.difference
    pairs: list[tuple[str, object]] = [
        ("Reminded", _arm(found.reminded)),
        ("Held out", _arm(found.held_out)),
        (
            "Difference",
            "not known yet"
            if by is None
            else f"{by.by:+.1%}, from {by.low:+.1%} to {by.high:+.1%}",
        ),
    ]
    for one in found.money:
        places = exponent(one.currency)
        net, whose = to_major(one.net, places), one.arm.value.replace("_", " ")
        pairs.append((f"{one.currency} of the {whose}", f"{net} net, {one.payments} payments"))
    return facts(pairs)


def _arm(arm: ArmCount) -> str:
    share = "" if arm.rate is None else f", {arm.rate:.1%}"
    return f"{arm.paid} of {arm.counted} paid{share}; {arm.waiting} still wait"
