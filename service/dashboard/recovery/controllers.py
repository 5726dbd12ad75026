"""The pages of customers who left, with the buttons that pause reminders and send one."""

from litestar import Controller, get, post
from litestar.di import Provide

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
from service.dashboard.recovery.lines import left_line, lift_facts, policy_facts
from service.dashboard.said import Said
from service.recovery.controllers.page import recovering_of
from service.recovery.errors import NotLeft
from service.recovery.operations.by_hand import list_recoveries, send_one
from service.recovery.operations.lift import lift
from service.recovery.operations.policies import pause, read_policy
from service.recovery.operations.previewing import preview
from service.recovery.states import RecoveryStatus
from service.web.authentication import AnyRequest
from service.web.parameters import PAGE_SIZE, PageCursor, SessionIdPath, StatusQuery

HERE = "/dashboard/recovery"
READ = frozenset({AccessScope.RECOVERY_READ})
WRITE = frozenset({AccessScope.RECOVERY_WRITE})
DAYS = 30


class RecoveryPages(Controller):
    """Who left before they paid, who is reminded, and what that brings."""

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
        """List who left, newest first, with the policy and what reminders brought."""

        async def show(sheet: Sheet) -> Answer:
            whose, services = sheet.reader.merchant_id, recovering_of(request)
            stands = RecoveryStatus(status) if status in set(RecoveryStatus) else None
            place = cursor_of(cursor)
            found, following = await list_recoveries(whose, stands, cursor=place, limit=PAGE_SIZE)
            policy = await read_policy(whose, services)
            return filled(
                sheet,
                "recovery.html",
                lines=[left_line(one) for one in found],
                reminding=policy,
                rules=policy_facts(policy),
                brought=lift_facts(await lift(whose, DAYS, services)),
                days=DAYS,
                acts=sheet.reader.scopes >= WRITE,
                status=stands or "",
                statuses=[one.value for one in RecoveryStatus],
                older=next_cursor(following),
            )

        return await page(request, desk, READ, show)

    @get("/{session_id:str}")
    async def preview(
        self, session_id: SessionIdPath, request: AnyRequest, desk: TheDesk
    ) -> Answer:
        """Show when a session's next reminder is due, or why there is none, and the mail."""

        async def show(sheet: Sheet) -> Answer:
            try:
                found = await preview(session_id, sheet.reader.merchant_id, recovering_of(request))
            except NotLeft:
                return filled(sheet, "nothing.html", status_code=404, what="session that was left")
            return filled(
                sheet,
                "reminder.html",
                line=left_line(found.recovery),
                due=moment(found.due_at) if found.due_at else "",
                why=found.why or "",
                mail=found.mail,
                acts=sheet.reader.scopes >= WRITE,
            )

        return await page(request, desk, READ, show)

    @post("/pause", status_code=303)
    async def pause(self, request: AnyRequest, desk: TheDesk) -> Answer:
        """Pause reminders, or send them again."""

        async def do(reader: Principal, given: Form) -> Said:
            paused = given.get("paused") == "yes"
            await pause(reader, recovering_of(request), paused=paused, reason=given.get("reason"))
            return Said("Reminders are paused." if paused else "Reminders are sent again.")

        return await act(request, desk, WRITE, HERE, do)

    @post("/send", status_code=303)
    async def send(self, request: AnyRequest, desk: TheDesk) -> Answer:
        """Remind a session's customer now."""

        async def do(reader: Principal, given: Form) -> Said:
            sent = await send_one(given.get("id", ""), reader, recovering_of(request))
            return Said(f"Reminder {sent.reminders} of {sent.session_id} goes out.")

        return await act(request, desk, WRITE, HERE, do)
