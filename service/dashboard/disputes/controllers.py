"""The pages of disputes over HTTP."""

from typing import Annotated

from litestar import Controller, get
from litestar.di import Provide
from litestar.params import PathParameter

from service.core.errors import NotFound
from service.core.paging import cursor_of, next_cursor
from service.core.principal import AccessScope, Principal
from service.core.words import moment
from service.dashboard import money
from service.dashboard.acting import Answer, Sheet, TheDesk, filled, page, provide_desk
from service.dashboard.payments.lines import address_of, dispute_line
from service.payments.disputes.documents import Dispute
from service.payments.disputes.states import DisputeStatus
from service.payments.history.operations.browse import list_disputes, read_dispute
from service.payments.history.repository import DisputeFilter
from service.sessions.operations.caller import Caller
from service.timeline.controllers import evidence_page
from service.timeline.operations.evidence import gather_evidence
from service.web.authentication import AnyRequest
from service.web.parameters import PAGE_SIZE, PageCursor, StatusQuery

HERE = "/dashboard/disputes"
READ = frozenset({AccessScope.DISPUTES_READ})
EVIDENCE = frozenset({AccessScope.EVIDENCE_READ})

KeyPath = Annotated[str, PathParameter(pattern="^[0-9a-f]{24}$")]


class DisputePages(Controller):
    """What customers dispute with their banks."""

    path = HERE
    dependencies = {"desk": Provide(provide_desk, sync_to_thread=False)}

    @get("/")
    async def listed(
        self,
        request: AnyRequest,
        desk: TheDesk,
        status: StatusQuery = "",
        cursor: PageCursor = None,
    ) -> Answer:
        """List disputes, newest first, of one state where that is named."""

        async def show(sheet: Sheet) -> Answer:
            stands = DisputeStatus(status) if status in set(DisputeStatus) else None
            place = cursor_of(cursor)
            found, following = await list_disputes(
                DisputeFilter(merchant_id=sheet.reader.merchant_id, status=stands),
                cursor=place,
                limit=PAGE_SIZE,
            )
            return filled(
                sheet,
                "disputes.html",
                lines=[dispute_line(one) for one in found],
                status=stands or "",
                statuses=[one.value for one in DisputeStatus],
                older=next_cursor(following),
            )

        return await page(request, desk, READ, show)

    @get("/{dispute_id:str}")
    async def show(self, request: AnyRequest, dispute_id: KeyPath, desk: TheDesk) -> Answer:
        """Show a dispute: where it stands, until when an answer is due, what it holds."""

        async def show(sheet: Sheet) -> Answer:
            try:
                found = await read_dispute(sheet.reader.merchant_id, dispute_id)
            except NotFound:
                return filled(sheet, "nothing.html", status_code=404, what="dispute")
            return filled(
                sheet,
                "dispute.html",
                line=dispute_line(found),
                facts=_facts(found),
                payment=address_of(found.payment_id),
                session=money.session_link(found.session_id),
                evidence=_evidence(found, sheet.reader),
            )

        return await page(request, desk, READ, show)

    @get("/{dispute_id:str}/evidence")
    async def evidence(self, request: AnyRequest, dispute_id: KeyPath, desk: TheDesk) -> Answer:
        """Show the evidence about a dispute, to be printed. On the record, as by the API."""

        async def show(sheet: Sheet) -> Answer:
            try:
                caller, now = Caller(sheet.reader), desk.login.clock.now()
                return evidence_page(await gather_evidence(dispute_id, caller, now))
            except NotFound:
                return filled(sheet, "nothing.html", status_code=404, what="dispute")

        return await page(request, desk, EVIDENCE, show)


def _evidence(dispute: Dispute, reader: Principal) -> str | None:
    return f"{HERE}/{dispute.id}/evidence" if reader.scopes >= EVIDENCE else None


def _facts(dispute: Dispute) -> list[tuple[str, str]]:
    def price(amount: int | None) -> str | None:
        return money.price(amount, dispute.provider, dispute.currency) if amount else None

    answered = "sent to the provider" if dispute.evidence_submitted else "not sent yet"
    return money.facts(
        [
            ("Provider", money.title_of(dispute.provider)),
            ("Bank's reason", (dispute.reason or "").replace("_", " ")),
            ("Answer by", moment(dispute.respond_by) if dispute.respond_by else None),
            ("Evidence", answered),
            ("Withdrawn", price(dispute.withdrawn)),
            ("Held", price(dispute.held)),
            ("Ended by a refund", "possible" if dispute.refundable else None),
            ("Stage", (dispute.phase or "").replace("_", " ")),
            ("User", dispute.user_id),
            ("Provider's id", dispute.provider_dispute_id),
            ("Its payment", dispute.provider_payment_id),
            ("Opened", moment(dispute.opened_at or dispute.created_at)),
            ("Ended", moment(dispute.closed_at) if dispute.closed_at else None),
        ]
    )
