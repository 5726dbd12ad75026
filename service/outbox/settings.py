"""Settings of the mail that the outbox will send."""

from pydantic import Field

from service.core.variables import Group


class MailSettings(Group):
    """Outgoing mail."""

    smtp_url: str | None = Field(None, validation_alias="SMTP_URL")
    """`smtp://user:password@host:port`; unset: no mail."""
    sender: str | None = Field(None, validation_alias="MAIL_FROM")
    """The sender's address."""
