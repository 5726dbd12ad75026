"""What goes over the wire about mail."""

from datetime import datetime
from typing import Annotated, ClassVar

from msgspec import Struct
from pydantic import Field

from service.core.views import view_of
from service.notifications.mail.documents import MailMessage, MailSuppression, MailTemplate
from service.notifications.mail.operations.render import Rendered
from service.notifications.mail.states import TEMPLATES, Audience, MailStatus, SuppressionReason
from service.web.fields import Email, LongText
from service.web.wire import WireModel

# The operations say more exactly what a source may be; this only bounds it.
Source = Annotated[str, Field(min_length=1, max_length=64_000)]


class MailView(Struct, frozen=True, rename="camel", kw_only=True):
    """A mail to one address, which is masked. `error` says what came of the last try."""

    id: str
    merchant_id: str
    session_id: str
    template: str
    masked: str
    status: MailStatus
    attempts: int
    error: str | None
    answer: str | None
    created_at: datetime
    next_attempt_at: datetime
    sent_at: datetime | None


class MailsAnswer(Struct, frozen=True, rename="camel"):
    """A page of mails, newest first."""

    mails: list[MailView]
    next_cursor: str | None


class MailAnswer(Struct, frozen=True, rename="camel"):
    """One mail."""

    mail: MailView


class MailTemplateView(Struct, frozen=True, rename="camel", kw_only=True):
    """A kind of mail as it is sent: `own` names the parts that are the merchant's.

    Of a `receipt` nobody unsubscribes.
    """

    name: str
    audience: Audience
    receipt: bool
    own: list[str]
    subject: str
    html: str
    text: str


class MailTemplateAnswer(Struct, frozen=True, rename="camel"):
    """One kind of mail."""

    template: MailTemplateView


class MailTemplatesAnswer(Struct, frozen=True, rename="camel"):
    """All kinds of mail."""

    templates: list[MailTemplateView]


class MailPreviewAnswer(Struct, frozen=True, rename="camel"):
    """A mail as it would be, filled in with examples."""

    subject: str
    html: str
    text: str


class PutMailTemplate(WireModel):
    """A merchant's own template; parts that are left out, or null, are as premade."""

    example: ClassVar = {"subject": "{{ merchant.name }}: {{ amount }}"}

    subject: Source | None = Field(None, examples=["{{ merchant.name }}: {{ amount }}"])
    """In one line."""
    html: Source | None = None
    """Styles in `<style>` are put inline."""
    text: Source | None = None
    """The plain version."""

    def parts(self) -> dict[str, str | None]:
        """Return the parts by their names."""
        return {"subject": self.subject, "html": self.html, "text": self.text}


class SuppressionView(Struct, frozen=True, rename="camel"):
    """An address, masked, that gets receipts alone, and why."""

    masked: str
    reason: SuppressionReason
    says: str | None
    created_at: datetime


class SuppressionsAnswer(Struct, frozen=True, rename="camel"):
    """A page of suppressed addresses, newest first."""

    suppressions: list[SuppressionView]
    next_cursor: str | None


class SuppressionAnswer(Struct, frozen=True, rename="camel"):
    """One suppressed address."""

    suppression: SuppressionView


class NoteBounce(WireModel):
    """Tells that a mail to an address came back."""

    example: ClassVar = {"email": "ada@example.com", "says": "550 no such mailbox"}

    email: Email
    says: LongText | None = None
    """What the bounce says."""


class LiftSuppression(WireModel):
    """Has an address be written to again."""

    example: ClassVar = {"email": "ada@example.com"}

    email: Email


def mail_view(mail: MailMessage) -> MailView:
    """Show a mail."""
    return view_of(MailView, mail)


def suppression_view(suppression: MailSuppression) -> SuppressionView:
    """Show a suppressed address."""
    return view_of(SuppressionView, suppression)


def template_view(premade: MailTemplate, own: MailTemplate | None) -> MailTemplateView:
    """Show a template: what a merchant has of its own, and else what is premade."""
    parts = {
        part: (getattr(own, part, None), getattr(premade, part))
        for part in ("subject", "html", "text")
    }
    kind = TEMPLATES[premade.template]
    return MailTemplateView(
        name=kind.name,
        audience=kind.audience,
        receipt=kind.receipt,
        own=[part for part, (mine, _) in parts.items() if mine is not None],
        subject=parts["subject"][0] or parts["subject"][1],
        html=parts["html"][0] or parts["html"][1],
        text=parts["text"][0] or parts["text"][1],
    )


def preview_answer(made: Rendered) -> MailPreviewAnswer:
    """Show a mail as it would be."""
    return MailPreviewAnswer(made.subject, made.html, made.text)
