"""The page of refunds over HTTP, and the buttons that decide about one."""

from litestar import Controller, get, post
from litestar.di import Provide
from msgspec import Struct

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
from service.dashboard.money import minor_of, price
from service.dashboard.payments.lines import RefundLine, refund_line
from service.dashboard.payments.refunding import said_of
from service.dashboard.said import Said
from service.payments.refunds.controllers import refunding_of
from service.payments.refunds.documents import Refund
from service.payments.refunds.operations.approve import Approval
from service.payments.refunds.operations.browse import list_refunds, read_refund
from service.payments.refunds.operations.rules import is_by_hand
from service.payments.refunds.repository import RefundFilter
from service.payments.refunds.schemas import ProcessRefund, RefundAction
from service.payments.refunds.sending.now import approve_now, deny_now
from service.payments.refunds.states import RefundStatus
from service.web.authentication import AnyRequest
from service.web.parameters import PAGE_SIZE, PageCursor, StatusQuery
from service.web.wire import decode_wire_model

HERE = "/dashboard/refunds"
NEEDS_PERSON = "needs_a_person"
"""In the choice of states: those on their way of which nobody can tell whether they were made."""
READ = frozenset({AccessScope.REFUNDS_READ})
DECIDE = frozenset({AccessScope.REFUNDS_APPROVE})


class Request(Struct, frozen=True):
    """A refund, and what can be decided about it: `gives_up` what nobody can tell about."""

    line: RefundLine
    refund_id: str
    decides: bool
    gives_up: bool
    by_hand: bool
    most: str


class RefundPages(Controller):
    """What was requested, what is on its way, and the buttons for it."""

    path = HERE
    dependencies = {"desk": Provide(provide_desk, sync_to_thread=False)}

    @get("/")
    async def show(
        self,
        request: AnyRequest,
        desk: TheDesk,
        status: StatusQuery = RefundStatus.REQUESTED.value,
        cursor: PageCursor = None,
    ) -> Answer:
        """List refunds of a state, those that wait for a decision unless another one is named."""

        async def show(sheet: Sheet) -> Answer:
            stands = RefundStatus(status) if status in set(RefundStatus) else None
            needed = status == NEEDS_PERSON
            found, following = await list_refunds(
                sheet.reader.merchant_id,
                RefundFilter(stands, needs_person=needed),
                payment=None,
                cursor=cursor_of(cursor),
                limit=PAGE_SIZE,
            )
            return filled(
                sheet,
                "refunds.html",
                requests=[_request(one, sheet.reader) for one in found],
                status=NEEDS_PERSON if needed else stands or "",
                statuses=[*(one.value for one in RefundStatus), NEEDS_PERSON],
                older=next_cursor(following),
            )

        return await page(request, desk, READ, show)

    @post("/approve", status_code=303)
    async def approve(self, request: AnyRequest, desk: TheDesk) -> Answer:
        """Approve a refund, or a smaller amount of it."""

        async def do(reader: Principal, given: Form) -> Said:
            found = await read_refund(reader.merchant_id, given.get("id", ""))
            sent = _sent(
                RefundAction.APPROVE, given, amount=minor_of(given.get("amount", ""), found)
            )
            approval = Approval(sent.amount, sent.admin_reason, sent.bank_reference)
            services = refunding_of(request)
            return said_of(await approve_now(found.refund_id, approval, reader, services))

        return await act(request, desk, DECIDE, HERE, do)

    @post("/deny", status_code=303)
    async def deny(self, request: AnyRequest, desk: TheDesk) -> Answer:
        """Deny a refund, or give up one that nobody can tell about."""

        async def do(reader: Principal, given: Form) -> Said:
            sent, services = _sent(RefundAction.DENY, given), refunding_of(request)
            return said_of(await deny_now(sent.refund_id, sent.admin_reason, reader, services))

        return await act(request, desk, DECIDE, HERE, do)


def _sent(action: RefundAction, given: Form, amount: int | None = None) -> ProcessRefund:
    """Read a form as the API reads a body: what that refuses is kept out here, too."""
    return decode_wire_model(
        ProcessRefund,
        {
            "refundId": given.get("id", ""),
            "action": action,
            "amount": amount,
            "adminReason": given.get("reason") or None,
            "bankReference": given.get("reference") or None,
        },
    )


def _request(refund: Refund, reader: Principal) -> Request:
    may = AccessScope.REFUNDS_APPROVE in reader.scopes
    amount = price(refund.amount, refund.provider, refund.currency)
    return Request(
        line=refund_line(refund),
        refund_id=refund.refund_id,
        decides=may and refund.status is RefundStatus.REQUESTED,
        gives_up=may and refund.awaits_person is not None,
        by_hand=is_by_hand(refund),
        most=amount.partition(" ")[0],
    )
