"""The pages of subscriptions over HTTP, and the buttons that change one."""

from typing import Annotated

from litestar import Controller, get, post
from litestar.di import Provide
from litestar.params import PathParameter, QueryParameter
from litestar.response import Redirect

from service.core.errors import NotFound
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
from service.dashboard.money import subscription_link
from service.dashboard.said import Said
from service.dashboard.subscriptions.changing import change
from service.dashboard.subscriptions.lines import subscription_line, subscription_page
from service.dashboard.subscriptions.offering import goes_on, plans_offered
from service.payments.subscriptions.controllers import subscribing_of
from service.payments.subscriptions.operations.browse import (
    find_by_any_id,
    find_subscription,
    list_subscriptions,
    payments_of,
)
from service.payments.subscriptions.repository import SubscriptionFilter
from service.payments.subscriptions.sending.read import read_if_unread
from service.payments.subscriptions.states import SubscriptionStatus
from service.web.authentication import AnyRequest
from service.web.parameters import PAGE_SIZE, PageCursor, StatusQuery

HERE = "/dashboard/subscriptions"
STATUSES = [one.value for one in SubscriptionStatus]
READ = frozenset({AccessScope.SUBSCRIPTIONS_READ})
CHANGE = frozenset({AccessScope.SUBSCRIPTIONS_WRITE})

NamedQuery = Annotated[str, QueryParameter(name="q", max_length=255)]
SubscriptionPath = Annotated[str, PathParameter(max_length=255)]


class SubscriptionPages(Controller):
    """Find subscriptions, see how one stands and what was paid, change it."""

    path = HERE
    dependencies = {"desk": Provide(provide_desk, sync_to_thread=False)}

    @get("/")
    async def listed(
        self,
        request: AnyRequest,
        desk: TheDesk,
        named: NamedQuery = "",
        status: StatusQuery = "",
        cursor: PageCursor = None,
    ) -> Answer:
        """List subscriptions, newest first: of a state, of a user, or the one that is named."""
        wanted = named.strip()

        async def show(sheet: Sheet) -> Answer:
            merchant_id = sheet.reader.merchant_id
            found = await find_by_any_id(merchant_id, wanted) if wanted else []
            if len(found) == 1:
                return Redirect(
                    subscription_link(found[0].provider_subscription_id), status_code=303
                )
            stands = SubscriptionStatus(status) if status in STATUSES else None
            filters = SubscriptionFilter(stands, wanted or None)
            following = None
            if not found:
                found, following = await list_subscriptions(
                    merchant_id, filters, cursor=cursor_of(cursor), limit=PAGE_SIZE
                )
            return filled(
                sheet,
                "subscriptions.html",
                lines=[subscription_line(one) for one in found],
                named=wanted,
                status=stands or "",
                statuses=STATUSES,
                older=next_cursor(following),
            )

        return await page(request, desk, READ, show)

    @get("/{subscription_id:str}")
    async def show(
        self, request: AnyRequest, subscription_id: SubscriptionPath, desk: TheDesk
    ) -> Answer:
        """Show a subscription with its payments; one that is to be read is read first."""

        async def show(sheet: Sheet) -> Answer:
            services = subscribing_of(request)
            try:
                found = await find_subscription(sheet.reader.merchant_id, subscription_id, None)
            except NotFound:
                return filled(sheet, "nothing.html", status_code=404, what="subscription")
            read = await read_if_unread(found, services)
            plans, payments = await plans_offered(read, services), await payments_of(read)
            on = goes_on(read, services)
            of = subscription_page(read, payments, plans, sheet.reader, goes_on=on)
            return filled(sheet, "subscription.html", of=of)

        return await page(request, desk, READ, show)

    @post("/{subscription_id:str}/change", status_code=303)
    async def change(
        self, request: AnyRequest, subscription_id: SubscriptionPath, desk: TheDesk
    ) -> Answer:
        """End it, let it go on or change its plan, as the button says that was pressed."""

        async def do(reader: Principal, given: Form) -> Said:
            return await change(reader, subscription_id, given, subscribing_of(request))

        return await act(request, desk, CHANGE, subscription_link(subscription_id), do)
