"""What mails there are, to whom each goes, and what about; and where one stands. Pure."""

from collections.abc import Mapping
from enum import StrEnum
from typing import Literal, TypeAlias

from msgspec import Struct

Audience: TypeAlias = Literal["customer", "merchant"]


class MailStatus(StrEnum):
    """Where a mail stands; only `pending` is ever tried again by itself.

    `refused` by the other side for good, `failed` when its time was over, `suppressed` because its
    address gets no such mail, `unsure` where nobody knows whether the server took it.
    """

    PENDING = "pending"
    SENT = "sent"
    REFUSED = "refused"
    FAILED = "failed"
    SUPPRESSED = "suppressed"
    UNSURE = "unsure"


UNDELIVERED: tuple[str, ...] = ("failed", "refused", "unsure")
"""Of these nobody got anything, as far as is known, and nothing is tried again by itself."""


class Template(Struct, frozen=True):
    """A kind of mail: for whom, and whether it is a receipt, from which nobody unsubscribes."""

    name: str
    audience: Audience
    receipt: bool = False


TEMPLATES: Mapping[str, Template] = {
    one.name: one
    for one in (
        Template("completed", "customer", receipt=True),
        Template("refunded", "customer", receipt=True),
        Template("refund_denied", "customer"),
        Template("payment_failed", "customer"),
        Template("renewal_failed", "customer"),
        Template("plan_inactive", "customer"),
        Template("reminder", "customer"),
        Template("refund_requested", "merchant"),
        Template("refund_made", "merchant"),
        Template("refund_failed", "merchant"),
        Template("dispute_opened", "merchant"),
        Template("dispute_deadline", "merchant"),
        Template("alert_opened", "merchant"),
        Template("alert_closed", "merchant"),
        Template("monthly_report", "merchant"),
        Template("weekly_summary", "merchant"),
        Template("lead_digest", "merchant"),
        Template("test", "merchant"),
    )
}

MAILS: Mapping[str, tuple[str, ...]] = {
    "session.completed": ("completed",),
    "session.failed": ("payment_failed",),
    "refund.requested": ("refund_requested",),
    "refund.succeeded": ("refunded", "refund_made"),
    "refund.denied": ("refund_denied",),
    "refund.failed": ("refund_failed",),
    "dispute.inquiry": ("dispute_opened",),
    "dispute.needs_response": ("dispute_opened",),
    "dispute.deadline_near": ("dispute_deadline",),
    "alert.opened": ("alert_opened",),
    "alert.repeated": ("alert_opened",),
    "alert.closed": ("alert_closed",),
    "recovery.reminder": ("reminder",),
    "report.closed": ("monthly_report",),
    "report.week_ended": ("weekly_summary",),
    "subscription.past_due": ("renewal_failed",),
    "subscription.inactive": ("plan_inactive",),
}
"""The topics that mail is sent about -> the templates.

A payment that failed is told of when its checkout ends so: the customer of an open one is at it.
"""

LEADS, TEST = "lead_digest", "test"

SuppressionReason: TypeAlias = Literal["unsubscribed", "refused", "bounced"]
"""Why an address gets receipts alone: it asked for that, or a server refused it or sent it back."""
