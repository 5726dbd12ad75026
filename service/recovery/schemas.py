"""What goes over the wire about recovery."""

from collections.abc import Mapping
from datetime import datetime
from itertools import pairwise
from typing import Annotated, ClassVar

from msgspec import Struct
from pydantic import AfterValidator, Field
from pydantic_core import PydanticCustomError

from service.core.views import view_of
from service.recovery.documents import FIRST_HOURS, Recovery, RecoveryPolicy
from service.recovery.operations.lift import ArmCount, Difference, Lift
from service.recovery.operations.policies import Wished
from service.recovery.operations.previewing import Previewed
from service.recovery.states import MOST_REMINDERS, Arm, RecoveryStatus, Via
from service.web.fields import LongText
from service.web.wire import WireModel, decode_wire_model

_LAST_HOUR = 23
_MOST_HELD_OUT = 50


def _rising(hours: list[int]) -> list[int]:
    if any(one >= other for one, other in pairwise(hours)):
        raise PydanticCustomError("tillgate", "must rise, such as [1, 7, 23]")
    return hours


HoursAfter = Annotated[
    list[Annotated[int, Field(strict=True, ge=1, le=_LAST_HOUR)]],
    Field(min_length=1, max_length=MOST_REMINDERS, examples=[[1, 7, 23]]),
    AfterValidator(_rising),
]
"""Up to three hours after a session was left, each later than the one before."""

HourOfDay = Annotated[int, Field(strict=True, ge=0, le=23)]
"""An hour of the day."""


class PutRecovery(WireModel):
    """Sets how a merchant's customers are reminded; what is left out is as it is at first."""

    example: ClassVar = {"after": [1, 23], "heldOut": 10}

    enabled: bool = True
    after: HoursAfter = Field(default_factory=lambda: [*FIRST_HOURS])
    """When reminders are due, in hours after a session was left."""
    quiet_from: HourOfDay = 21
    """The hour from which no reminder goes out, in the customer's zone."""
    quiet_until: HourOfDay = 8
    """The hour from which reminders go out again; the same as `quietFrom`: at any hour."""
    held_out: int = Field(10, strict=True, ge=0, le=_MOST_HELD_OUT)
    """The percentage of customers who are not reminded, so that the difference can be measured."""
    most_a_day: int = Field(1_000, strict=True, ge=1, le=1_000_000)
    """How many reminders go out in a day."""
    most_a_customer: int = Field(MOST_REMINDERS, strict=True, ge=1, le=30)
    """How many reminders one customer is sent in `customerDays`, whatever they begin."""
    customer_days: int = Field(7, strict=True, ge=1, le=90)
    """In how many days a customer is sent `mostACustomer`."""
    mail: bool = True
    """Whether Tillgate sends the mail; if not, only the event `recovery.reminder` goes out."""

    def wished(self) -> Wished:
        """Return it as the operation takes it."""
        return Wished(**self.model_dump(by_alias=False))


class PauseRecovery(WireModel):
    """Pauses a merchant's reminders, or resumes them."""

    example: ClassVar = {"paused": True, "reason": "A sale is on."}

    paused: bool
    reason: LongText | None = None
    """Stands in the trail."""


class PolicyView(Struct, frozen=True, rename="camel", kw_only=True):
    """How a merchant's customers are reminded. `sent` counts since `countedFrom`, for a day."""

    enabled: bool
    paused: bool
    after: list[int]
    quiet_from: int
    quiet_until: int
    held_out: int
    most_a_day: int
    most_a_customer: int
    customer_days: int
    mail: bool
    sent: int
    counted_from: datetime
    updated_at: datetime


class PolicyAnswer(Struct, frozen=True, rename="camel"):
    """How a merchant's customers are reminded."""

    recovery: PolicyView


class RecoveryView(Struct, frozen=True, rename="camel", kw_only=True):
    """A session that was left, and what came of it. `nextAt` is when it is looked at again."""

    session_id: str
    user_id: str
    item: str
    provider: str
    arm: Arm
    status: RecoveryStatus
    zone: str | None
    reminders: int
    reminded_at: datetime | None
    left_at: datetime
    next_at: datetime
    resumed: int
    resumed_at: datetime | None
    via: Via | None


class RecoveriesAnswer(Struct, frozen=True, rename="camel"):
    """A page of sessions that were left, newest first."""

    recoveries: list[RecoveryView]
    next_cursor: str | None


class RecoveryAnswer(Struct, frozen=True, rename="camel"):
    """One session that was left."""

    recovery: RecoveryView


class ReminderMailView(Struct, frozen=True, rename="camel"):
    """A reminder as it is read."""

    subject: str
    html: str
    text: str


class RecoveryPreviewAnswer(Struct, frozen=True, rename="camel"):
    """A session that was left. `dueAt` is when its next reminder goes out, or `why` says why none.

    `mail` is null where nobody would be written to.
    """

    recovery: RecoveryView
    due_at: datetime | None
    why: str | None
    mail: ReminderMailView | None


class ArmView(Struct, frozen=True, rename="camel"):
    """What came of those reminded, or held out. `rate` is the share of `counted` that paid."""

    waiting: int
    counted: int
    paid: int
    reminders: int
    rate: float | None


class DifferenceView(Struct, frozen=True, rename="camel"):
    """The share that paid of those reminded less that of those held out, and its 95 % interval."""

    by: float
    low: float
    high: float


class MoneyView(Struct, frozen=True, rename="camel"):
    """What an arm paid in one currency, in minor units; `net` is without refunds."""

    arm: Arm
    currency: str
    payments: int
    paid: int
    refunded: int
    net: int


class ViaView(Struct, frozen=True, rename="camel"):
    """How many of those reminded paid by our link, by Stripe's own recovery, and otherwise."""

    link: int
    provider: int
    other: int


class LiftView(Struct, frozen=True, rename="camel", kw_only=True):
    """What reminders brought. `difference` is null while an arm has nobody who was counted."""

    since: datetime
    until: datetime
    reminded: ArmView
    held_out: ArmView
    difference: DifferenceView | None
    via: ViaView
    money: list[MoneyView]


class LiftAnswer(Struct, frozen=True, rename="camel"):
    """What reminders brought."""

    lift: LiftView


def wished_of(body: Mapping[str, object]) -> Wished:
    """Return a policy that is wished for without a request. Raises `InvalidInput`."""
    return decode_wire_model(PutRecovery, body).wished()


def policy_answer(policy: RecoveryPolicy) -> PolicyAnswer:
    """Show a merchant's policy."""
    return PolicyAnswer(view_of(PolicyView, policy))


def recovery_view(recovery: Recovery) -> RecoveryView:
    """Show a session that was left."""
    return view_of(RecoveryView, recovery)


def preview_answer(found: Previewed) -> RecoveryPreviewAnswer:
    """Show what becomes of a session."""
    mail = None if found.mail is None else view_of(ReminderMailView, found.mail)
    return RecoveryPreviewAnswer(recovery_view(found.recovery), found.due_at, found.why, mail)


def lift_answer(lift: Lift) -> LiftAnswer:
    """Show what reminders brought."""
    return LiftAnswer(
        LiftView(
            since=lift.since,
            until=lift.until,
            reminded=_arm(lift.reminded),
            held_out=_arm(lift.held_out),
            difference=_difference(lift.difference),
            via=ViaView(**lift.via),
            money=[view_of(MoneyView, one) for one in lift.money],
        )
    )


def _arm(arm: ArmCount) -> ArmView:
    return view_of(ArmView, arm)


def _difference(found: Difference | None) -> DifferenceView | None:
    return None if found is None else view_of(DifferenceView, found)
