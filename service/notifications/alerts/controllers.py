"""Alerts over HTTP."""

from typing import Annotated

from litestar import Controller, get, post
from litestar.di import NamedDependency
from litestar.params import JSONBody, PathParameter, QueryParameter, SkipValidation

from service.core.clock import Clock
from service.core.paging import cursor_of, next_cursor
from service.core.principal import AccessScope
from service.notifications.alerts.operations.browse import list_alerts
from service.notifications.alerts.operations.close import close_alert, find_alert
from service.notifications.alerts.schemas import AlertAnswer, AlertsAnswer, CloseAlert, alert_view
from service.notifications.alerts.states import AlertStatus
from service.outbox.controllers import whose
from service.web.authentication import CurrentPrincipal, on_behalf_of, requires
from service.web.parameters import PAGE_SIZE, MerchantQuery, PageCursor, PageLimit

TheClock = NamedDependency[SkipValidation[Clock]]
AlertPath = Annotated[str, PathParameter(max_length=100, description="The alert's id.")]


class AdminAlerts(Controller):
    """What a person must hear of."""

    path = "/api/admin/alerts"
    tags = ["Admin"]
    opt = requires(AccessScope.ALERTS_READ)

    @get("/", operation_id="listAlerts", summary="List alerts")
    async def alerts(
        self,
        principal: CurrentPrincipal,
        status: Annotated[AlertStatus | None, QueryParameter(name="status")] = None,
        merchant: MerchantQuery = None,
        limit: PageLimit = PAGE_SIZE,
        cursor: PageCursor = None,
    ) -> AlertsAnswer:
        """Newest first, of one status where that is named.

        Operators see those of all merchants, or of the one that they name.
        """
        found, following = await list_alerts(
            whose(principal, merchant), status, cursor=cursor_of(cursor), limit=limit
        )
        begins_at = next_cursor(following)
        return AlertsAnswer([alert_view(one) for one in found], begins_at)

    @post(
        "/{alert_id:str}/close",
        opt=requires(AccessScope.ALERTS_WRITE),
        status_code=200,
        operation_id="closeAlert",
        summary="Close an alert",
    )
    async def close(
        self,
        alert_id: AlertPath,
        data: JSONBody[CloseAlert],
        principal: CurrentPrincipal,
        clock: TheClock,
    ) -> AlertAnswer:
        """Nobody is told of it again; the same opens an alert only once it was over in between.

        Operators close those of any merchant. 409 where it is not open.
        """
        found = await find_alert(alert_id, whose(principal))
        by = on_behalf_of(principal, found.merchant_id)
        return AlertAnswer(alert_view(await close_alert(found, data.reason, by, clock)))
