"""The pages of payments over HTTP, and the button that refunds."""

from typing import Annotated

from litestar import Controller, get, post
from litestar.di import Provide
from litestar.params import PathParameter, QueryParameter
from litestar.response import Redirect

from service.core.principal import AccessScope, Principal
from service.dashboard.acting import (
    Answer,
    Form,
    Sheet,
    TheDesk,
    act,
    drawn,
    filled,
    page,
    provide_desk,
)
from service.dashboard.payments.finding import STATUSES, Search, search, whole_of
from service.dashboard.payments.lines import address_of, payment_line, payment_page
from service.dashboard.payments.refunding import refund
from service.dashboard.said import Said
from service.payments.refunds.controllers import refunding_of
from service.web.authentication import AnyRequest
from service.web.parameters import PageCursor, StatusQuery

HERE = "/dashboard/payments"
SEARCH = frozenset({AccessScope.PAYMENTS_SEARCH, AccessScope.LEDGER_READ})
READ = frozenset({AccessScope.LEDGER_READ})
REFUND = frozenset({AccessScope.REFUNDS_APPROVE})

NamedQuery = Annotated[str, QueryParameter(name="q", max_length=255)]
KeyPath = Annotated[str, PathParameter(pattern="^[0-9a-f]{24}$")]


class PaymentPages(Controller):
    """Find payments, see what became of one, refund it."""

    path = HERE
    dependencies = {"desk": Provide(provide_desk, sync_to_thread=False)}

    @get("/")
    async def search(
        self,
        request: AnyRequest,
        desk: TheDesk,
        named: NamedQuery = "",
        status: StatusQuery = "",
        cursor: PageCursor = None,
    ) -> Answer:
        """List payments, or those that somebody names by any id or by an email address."""
        wanted = Search(named.strip(), status if status in STATUSES else "", cursor)

        async def show(sheet: Sheet) -> Answer:
            found = await search(request, sheet.reader, wanted)
            if found.exact and len(found.payments) == 1:
                return Redirect(address_of(found.payments[0].payment.id), status_code=303)
            return filled(
                sheet,
                "payments.html",
                lines=[payment_line(one) for one in found.payments],
                named=wanted.named,
                status="" if found.exact else wanted.status,
                statuses=STATUSES,
                older=found.older,
            )

        return await page(request, desk, SEARCH, show)

    @get("/{payment_id:str}")
    async def show(self, request: AnyRequest, payment_id: KeyPath, desk: TheDesk) -> Answer:
        """Show a payment with all that the ledger has of it."""

        async def show(sheet: Sheet) -> Answer:
            whole = await whole_of(sheet.reader, payment_id)
            if whole is None:
                return filled(sheet, "nothing.html", status_code=404, what="payment")
            return filled(sheet, "payment.html", of=payment_page(whole, sheet.reader, drawn()))

        return await page(request, desk, READ, show)

    @post("/{payment_id:str}/refund", status_code=303)
    async def refund(self, request: AnyRequest, payment_id: KeyPath, desk: TheDesk) -> Answer:
        """Refund a payment, or the part that the form names."""

        async def do(reader: Principal, given: Form) -> Said:
            return await refund(reader, payment_id, given, refunding_of(request))

        return await act(request, desk, REFUND, address_of(payment_id), do)
