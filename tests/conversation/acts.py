"""The table of all acts, and what a conversation is made of."""

from collections.abc import Awaitable, Callable, Mapping
from typing import NamedTuple, TypeAlias

from tests.conversation import (
    callers,
    dashboards,
    heard,
    hearers,
    keepers,
    operators,
    payers,
    refunders,
    returners,
    strangers,
    subscribers,
)
from tests.conversation.world import World

Do: TypeAlias = Callable[[World, int, int, int], Awaitable[None]]

ACTS: Mapping[str, Do] = {
    "nothing": callers.nothing,
    "open_checkout": callers.open_checkout,
    "open_session": callers.open_session,
    "open_hostile": callers.open_hostile,
    "resume": callers.resume,
    "cancel": callers.cancel,
    "patch": callers.patch,
    "move_by_hand": callers.move_by_hand,
    "settle_by_hand": callers.settle_by_hand,
    "open_anew": callers.open_anew,
    "verify": callers.verify,
    "read": callers.read,
    "pay": payers.pay,
    "act_at_page": payers.act_at_page,
    "pay_late": payers.pay_late,
    "authorize": payers.authorize,
    "hold_again": payers.hold_again,
    "pay_other_amount": payers.pay_other_amount,
    "doubt": payers.doubt,
    "go_on": payers.go_on,
    "deliver": payers.deliver,
    "deliver_one": payers.deliver_one,
    "deliver_again": payers.deliver_again,
    "hold_back": payers.hold_back,
    "forge": payers.forge,
    "refund_there": dashboards.refund_there,
    "end_refund": dashboards.end_refund,
    "dispute": dashboards.dispute,
    "void": dashboards.void,
    "request_refund": refunders.request_refund,
    "process_refund": refunders.process_refund,
    "refund_now": refunders.refund_now,
    "reject_and_refund": refunders.reject_and_refund,
    "disturb": refunders.disturb,
    "ask_about_refunds": refunders.ask_about_refunds,
    "foreign_payment": strangers.foreign_payment,
    "write_notes": strangers.write_notes,
    "decide": operators.decide,
    "replay": operators.replay,
    "read_anew": operators.read_anew,
    "clean_up": operators.clean_up,
    "run_loop": operators.run_loop,
    "pass_time": operators.pass_time,
    "outlive": operators.outlive,
    "change_price": operators.change_price,
    "suspend": operators.suspend,
    "end_suspension": operators.end_suspension,
    "redeliver": keepers.redeliver,
    "pause_job": keepers.pause,
    "resume_jobs": keepers.resume_jobs,
    "run_by_hand": keepers.run_by_hand,
    "post_entries": keepers.post_entries,
    "add_ear": hearers.add_ear,
    "break_ear": hearers.break_ear,
    "send_events": hearers.send_events,
    "switch_ear": hearers.switch_ear,
    "resend": hearers.resend,
    "hush": heard.hush,
    "agree": returners.agree,
    "leave": returners.leave,
    "remind": returners.remind,
    "remind_by_hand": returners.remind_by_hand,
    "come_back": returners.come_back,
    "subscribe": subscribers.subscribe,
    "renew": subscribers.renew,
    "change_card": subscribers.change_card,
    "dun": subscribers.dun,
    "change_plan": subscribers.change_plan,
    "cancel_subscription": subscribers.cancel_subscription,
    "reactivate": subscribers.reactivate,
    "act_there": subscribers.act_there,
    "lose": subscribers.lose,
    "ask_how_it_stands": subscribers.ask_how_it_stands,
    "read_overdue": subscribers.read_overdue,
    "read_crosswise": subscribers.read_crosswise,
    "cut": operators.cut,
    "mend": operators.mend,
}


class Act(NamedTuple):
    """One act: its name, and numbers by which it picks whom and what it is about."""

    name: str
    a: int = 0
    b: int = 0
    c: int = 0

    async def do(self, world: World) -> None:
        """Do it."""
        if self.name != "nothing":
            world.story.append(f"{self.name}({self.a}, {self.b}, {self.c})")
        await ACTS[self.name](world, self.a, self.b, self.c)


class Together(NamedTuple):
    """Two acts at once."""

    one: Act
    other: Act


Step: TypeAlias = Act | Together
