"""What is answered about leads: `{code, message, data}`, as their reference document has it."""

from datetime import datetime

import msgspec
from msgspec import Struct

from service.core.money import exponent, to_major
from service.intents.operations.analytics import Asked
from service.intents.operations.browse import Page
from service.intents.operations.leave import Left, NewIntent
from service.storage.database import Row

QUEUED = "queued"
NOT_QUEUED = "nobody is set to be told of leads"


class Said(Struct, frozen=True, kw_only=True):
    """An answer; `code` is 0. What is refused is a problem of RFC 9457, as everywhere."""

    code: int = 0
    message: str = "ok"


class LeftIntent(Struct, frozen=True, rename="camel"):
    """A lead that was left.

    `session_id` is the journey's: send it along next time. `timestamp` is the one that was sent.
    Mail goes out later, if anybody is to have it: `email_sent` is always false.
    """

    tracked: bool
    payment_intent_id: str
    timestamp: datetime
    persisted: bool
    email_sent: bool
    email_message: str
    session_id: str


class LeftAnswer(Said, frozen=True, kw_only=True):
    """A lead that was left."""

    data: LeftIntent


class AgentView(Struct, frozen=True):
    """What a user agent says that it is."""

    browser: str | None
    os: str | None
    device: str | None


class IntentView(Struct, frozen=True, rename="camel"):
    """A lead. `amount` is as it was written, `amount_minor` the same in minor units.

    `timestamp` is when it was left by our clock, or by the sender's where that was sent.
    `ip_address` is a keyed hash unless addresses are kept. `agent` is null until a job has read
    `user_agent`. `followed_by` are the payment sessions that name it.
    """

    id: str
    timestamp: datetime
    plan_name: str
    amount: str
    amount_minor: int
    currency: str
    user_email: str | None
    user_agent: str | None
    agent: AgentView | None
    ip_address: str | None
    feedback: str | None
    session_id: str
    mail_consent: bool | None
    consent_text: str | None
    locale: str | None
    time_zone: str | None
    followed_by: list[str]
    created_at: datetime


class PageView(Struct, frozen=True, rename="camel"):
    """Where a page stands. `next_cursor` leads on from it, unless it was found by its offset."""

    limit: int
    offset: int
    returned: int
    has_more: bool
    next_cursor: str | None


class StatsView(Struct, frozen=True, rename="camel"):
    """Sums of all leads that are wanted. `asked_for` is no revenue: nobody has paid it.

    Amounts are in minor units of `currency`, of the `priced` leads that are in it.
    """

    total_intents: int
    unique_sessions: int
    currency: str
    currencies: list[str]
    priced: int
    asked_for: int
    asked_for_major: str
    average_amount: int | None


class IntentsData(Struct, frozen=True, rename="camel"):
    """A page of leads, newest first; `stats` where they were asked for."""

    intents: list[IntentView]
    pagination: PageView
    stats: StatsView | None


class IntentsAnswer(Said, frozen=True, kw_only=True):
    """A page of leads."""

    data: IntentsData


class DeletedIntent(Struct, frozen=True):
    """A lead that is gone."""

    deleted: bool
    id: str


class DeletedAnswer(Said, frozen=True, kw_only=True):
    """A lead that is gone."""

    data: DeletedIntent


def left_answer(left: Left, new: NewIntent) -> LeftAnswer:
    """Return what is answered to who left a lead; a bot learns nothing from it."""
    return LeftAnswer(
        data=LeftIntent(
            tracked=True,
            payment_intent_id=left.intent_id,
            timestamp=new.timestamp or left.created_at,
            persisted=True,
            email_sent=False,
            email_message=QUEUED if left.announced else NOT_QUEUED,
            session_id=left.session_id,
        )
    )


def intent_view(row: Row) -> IntentView:
    """Show a lead as it is stored."""
    return msgspec.convert(
        {
            **row,
            "id": row["_id"],
            "timestamp": row["timestamp"] or row["createdAt"],
            "ipAddress": row["ipAddress"] or row["client"],
        },
        IntentView,
    )


def intents_answer(page: Page, limit: int, offset: int, asked: Asked | None) -> IntentsAnswer:
    """Show a page of leads."""
    views = [intent_view(row) for row in page.rows]
    following = page.following.encode() if page.following else None
    pagination = PageView(limit, offset, len(views), page.more, following)
    stats = stats_view(asked) if asked is not None else None
    return IntentsAnswer(data=IntentsData(views, pagination, stats))


def stats_view(asked: Asked) -> StatsView:
    """Show sums."""
    return StatsView(
        total_intents=asked.intents,
        unique_sessions=asked.journeys,
        currency=asked.currency,
        currencies=[*asked.currencies],
        priced=asked.priced,
        asked_for=asked.amount,
        asked_for_major=to_major(asked.amount, exponent(asked.currency)),
        average_amount=asked.average,
    )
