"""The page of mail over HTTP, with the button that sends one again."""

from litestar import Controller, get, post
from litestar.di import Provide
from msgspec import Struct

from service.core.paging import cursor_of, next_cursor
from service.core.principal import AccessScope, Principal
from service.core.words import moment
from service.dashboard.acting import (
    Answer,
    Form,
    Sheet,
    TheDesk,
    act,
    filled,
    page,
    provide_desk,
)
from service.dashboard.money import Standing, facts, session_link, standing
from service.dashboard.said import Said
from service.notifications.mail.controllers import mailing_of
from service.notifications.mail.documents import MailMessage
from service.notifications.mail.operations.browse import (
    NO_SERVER,
    list_mails,
    read_mail,
    resend,
)
from service.notifications.mail.states import MailStatus
from service.web.authentication import AnyRequest
from service.web.parameters import PAGE_SIZE, PageCursor, StatusQuery

HERE = "/dashboard/mail"
READ = frozenset({AccessScope.MAIL_READ})
WRITE = frozenset({AccessScope.MAIL_WRITE})


_TONES = {
    MailStatus.PENDING: "info",
    MailStatus.SENT: "good",
    MailStatus.REFUSED: "bad",
    MailStatus.FAILED: "bad",
    MailStatus.SUPPRESSED: "warn",
    MailStatus.UNSURE: "warn",
}


class MailLine(Struct, frozen=True):
    """A mail as the page shows it."""

    mail_id: str
    title: str
    status: Standing
    more: list[tuple[str, str]]
    session: str | None
    resends: bool


class MailPages(Controller):
    """What was mailed, to whom, and what came of it."""

    path = HERE
    dependencies = {"desk": Provide(provide_desk, sync_to_thread=False)}

    @get("/")
    async def show(
        self,
        request: AnyRequest,
        desk: TheDesk,
        status: StatusQuery = "",
        cursor: PageCursor = None,
    ) -> Answer:
        """List mails, newest first, of one state where that is named."""

        async def show(sheet: Sheet) -> Answer:
            stands = MailStatus(status) if status in set(MailStatus) else None
            place = cursor_of(cursor)
            found, following = await list_mails(
                sheet.reader.merchant_id, stands, cursor=place, limit=PAGE_SIZE
            )
            return filled(
                sheet,
                "mail.html",
                lines=[_line(one, sheet.reader) for one in found],
                off=NO_SERVER if mailing_of(request).server is None else "",
                status=stands or "",
                statuses=[one.value for one in MailStatus],
                older=next_cursor(following),
            )

        return await page(request, desk, READ, show)

    @post("/resend", status_code=303)
    async def again(self, request: AnyRequest, desk: TheDesk) -> Answer:
        """Send a mail again."""

        async def do(reader: Principal, given: Form) -> Said:
            found = await read_mail(given.get("id", ""), reader.merchant_id)
            again = await resend(found, reader, mailing_of(request))
            return Said(f"The mail to {again.masked} is sent again.")

        return await act(request, desk, WRITE, HERE, do)


def _line(mail: MailMessage, reader: Principal) -> MailLine:
    tone = _TONES[mail.status]
    waits = mail.status is MailStatus.PENDING
    return MailLine(
        mail_id=mail.id,
        title=f"{mail.template.replace('_', ' ').capitalize()}, to {mail.masked}",
        status=standing(mail.status.value, tone),
        more=facts(
            [
                ("Made", moment(mail.created_at)),
                ("Sent", moment(mail.sent_at) if mail.sent_at else None),
                ("Tries", mail.attempts if mail.attempts > 1 else None),
                ("Next try", moment(mail.next_attempt_at) if waits and mail.error else None),
                ("Said", mail.error or mail.answer),
            ]
        ),
        session=session_link(mail.session_id or None),
        resends=not waits and reader.scopes >= WRITE,
    )
