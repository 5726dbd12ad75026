"""The page of alerts over HTTP, and the button that closes one."""

from litestar import Controller, get, post
from litestar.di import Provide

from service.core.errors import InvalidInput
from service.core.paging import cursor_of, next_cursor
from service.core.principal import AccessScope, Principal
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
from service.dashboard.alerts.lines import alert_line
from service.dashboard.said import Said
from service.notifications.alerts.operations.browse import list_alerts
from service.notifications.alerts.operations.close import close_alert, find_alert
from service.notifications.alerts.schemas import CloseAlert
from service.notifications.alerts.states import STATUSES
from service.outbox.controllers import whose
from service.web.authentication import AnyRequest, on_behalf_of
from service.web.parameters import PAGE_SIZE, PageCursor, StatusQuery
from service.web.wire import decode_wire_model

HERE = "/dashboard/alerts"
READ = frozenset({AccessScope.ALERTS_READ})
WRITE = frozenset({AccessScope.ALERTS_WRITE})


class AlertPages(Controller):
    """What a person must hear of, and the button for it."""

    path = HERE
    dependencies = {"desk": Provide(provide_desk, sync_to_thread=False)}

    @get("/")
    async def show(
        self,
        request: AnyRequest,
        desk: TheDesk,
        status: StatusQuery = "open",
        cursor: PageCursor = None,
    ) -> Answer:
        """List alerts, newest first: the open ones unless another status is named."""

        async def show(sheet: Sheet) -> Answer:
            stands = next((one for one in STATUSES if one == status), None)
            found, following = await list_alerts(
                whose(sheet.reader), stands, cursor=cursor_of(cursor), limit=PAGE_SIZE
            )
            now = desk.login.clock.now()
            return filled(
                sheet,
                "alerts.html",
                lines=[alert_line(one, sheet.reader, now) for one in found],
                status=stands or "",
                statuses=STATUSES,
                older=next_cursor(following),
            )

        return await page(request, desk, READ, show)

    @post("/close", status_code=303)
    async def close(self, request: AnyRequest, desk: TheDesk) -> Answer:
        """Close an alert for a reason."""

        async def do(reader: Principal, given: Form) -> Said:
            if not given.get("reason"):
                raise InvalidInput("Nothing was closed: say why in the field for the reason.")
            reason = decode_wire_model(CloseAlert, {"reason": given["reason"]}).reason
            found = await find_alert(given.get("id", ""), whose(reader))
            by = on_behalf_of(reader, found.merchant_id)
            await close_alert(found, reason, by, desk.login.clock)
            return Said("Closed. The same opens an alert again once it was over in between.")

        return await act(request, desk, WRITE, HERE, do)
