"""Dead letters over HTTP."""

from typing import Annotated

from litestar import Controller, get, post
from litestar.di import NamedDependency
from litestar.params import PathParameter, QueryParameter, SkipValidation

from service.core.clock import Clock
from service.core.paging import cursor_of, next_cursor
from service.core.principal import AccessScope, Principal
from service.outbox.operations.dead_letters import (
    DeliveryFilter,
    Listed,
    find_delivery,
    list_deliveries,
    redeliver,
)
from service.outbox.schemas import DeliveriesAnswer, DeliveryAnswer, delivery_view
from service.web.authentication import CurrentPrincipal, on_behalf_of, requires
from service.web.parameters import PAGE_SIZE, MerchantQuery, PageCursor, PageLimit

TheClock = NamedDependency[SkipValidation[Clock]]
DeliveryPath = Annotated[str, PathParameter(max_length=600, description="The delivery's id.")]


class AdminDeliveries(Controller):
    """What the outbox could not deliver."""

    path = "/api/admin/deliveries"
    tags = ["Admin"]
    opt = requires(AccessScope.DELIVERIES_READ)

    @get("/", operation_id="listDeliveries", summary="List what was not delivered")
    async def deliveries(
        self,
        principal: CurrentPrincipal,
        status: Annotated[Listed, QueryParameter(name="status")] = "dead",
        subscriber: Annotated[str | None, QueryParameter(name="subscriber", max_length=100)] = None,
        merchant: MerchantQuery = None,
        limit: PageLimit = PAGE_SIZE,
        cursor: PageCursor = None,
    ) -> DeliveriesAnswer:
        """Newest first: those that were given up, or those that wait.

        Operators see those of all merchants, or of the one that they name.
        """
        place = cursor_of(cursor)
        found, following = await list_deliveries(
            whose(principal, merchant),
            DeliveryFilter(status, subscriber),
            cursor=place,
            limit=limit,
        )
        begins_at = next_cursor(following)
        return DeliveriesAnswer([delivery_view(one) for one in found], begins_at)

    @post(
        "/{delivery_id:str}/redeliver",
        opt=requires(AccessScope.DELIVERIES_REDELIVER),
        status_code=200,
        operation_id="redeliver",
        summary="Deliver again",
    )
    async def again(
        self, delivery_id: DeliveryPath, principal: CurrentPrincipal, clock: TheClock
    ) -> DeliveryAnswer:
        """Have a delivery tried at once: a dead one, one that waits, or one that is done.

        Operators do so for any merchant. 409 while it is being delivered, and for the later of two
        calls at once.
        """
        found = await find_delivery(delivery_id, whose(principal))
        by = on_behalf_of(principal, found.merchant_id)
        return DeliveryAnswer(delivery_view(await redeliver(found, by, clock)))


def whose(principal: Principal, merchant_id: str | None = None) -> str | None:
    """Return the merchant whose deliveries a caller sees; None: those of all."""
    if merchant_id is None and AccessScope.OPERATOR in principal.scopes:
        return None
    return on_behalf_of(principal, merchant_id).merchant_id
