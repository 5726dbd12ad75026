"""Timelines, what any id leads to, and evidence, over HTTP."""

from typing import Annotated, Any, Literal

from litestar import Controller, Response, get
from litestar.di import NamedDependency
from litestar.params import PathParameter, QueryParameter, SkipValidation

from service.core.clock import Clock
from service.core.principal import AccessScope
from service.providers.actors import actor
from service.providers.money import to_major
from service.sessions.controllers import caller_of
from service.timeline.operations.evidence import Evidence, gather_evidence
from service.timeline.operations.find_named import find_named
from service.timeline.operations.gather import timeline
from service.timeline.schemas import (
    EvidenceAnswer,
    FoundAnswer,
    TimelineAnswer,
    evidence_answer,
    found_answer,
    timeline_view,
)
from service.web.authentication import AnyRequest, requires
from service.web.pages.assets import Assets
from service.web.pages.rendering import Pages
from service.web.parameters import SessionIdPath
from service.web.requests import header_of

PAGES = Pages(Assets("service.timeline", "/timeline/assets"))
_DOCUMENT = PAGES.policy_of_a_document("evidence.css")

TheClock = NamedDependency[SkipValidation[Clock]]
AnyIdPath = Annotated[
    str,
    PathParameter(
        max_length=255,
        description="Any id, ours or a provider's.",
        schema_extra={"examples": ["docs-1"]},
    ),
]
DisputeIdPath = Annotated[
    str, PathParameter(max_length=255, description="The dispute's id, ours or its provider's.")
]
FormatQuery = Annotated[Literal["json", "html"] | None, QueryParameter(name="format")]


class Timelines(Controller):
    """Why a session is in its state."""

    tags = ["Sessions"]

    @get(
        "/api/payment-sessions/{session_id:str}/timeline",
        opt=requires(AccessScope.TIMELINES_READ),
        operation_id="readTimeline",
        summary="Tell everything that touched a session",
    )
    async def show(
        self,
        session_id: SessionIdPath,
        request: AnyRequest,
        clock: TheClock,
    ) -> TimelineAnswer:
        """Oldest first, with the reason for its state in a sentence."""
        caller, now = caller_of(request), clock.now()
        return timeline_view(await timeline(session_id, caller, now), caller, now)


class AnyIds(Controller):
    """What an id of any kind leads to."""

    tags = ["Payments"]

    @get(
        "/api/payments/{any_id:str}",
        opt=requires(AccessScope.LEDGER_READ),
        operation_id="findPayments",
        summary="Find payments and their session by any id",
    )
    async def find(self, any_id: AnyIdPath, request: AnyRequest, clock: TheClock) -> FoundAnswer:
        """By the id of a payment, charge, invoice, order, refund, dispute, session or checkout.

        Or by the bank's reference. With refunds, tries, disputes and what stands on the accounts.
        """
        caller = caller_of(request)
        return found_answer(await find_named(any_id, caller), caller, clock.now())


class DisputeEvidence(Controller):
    """What a merchant answers to a dispute."""

    tags = ["Disputes"]

    @get(
        "/api/disputes/{dispute_id:str}/evidence",
        opt=requires(AccessScope.EVIDENCE_READ),
        operation_id="gatherEvidence",
        summary="Gather the evidence about a dispute",
    )
    async def evidence(
        self,
        dispute_id: DisputeIdPath,
        request: AnyRequest,
        clock: TheClock,
        format_: FormatQuery = None,
    ) -> Response[EvidenceAnswer]:
        """JSON or, with `format=html` or `Accept: text/html`, a page to be printed. Audited."""
        caller = caller_of(request, acts=True)
        found = await gather_evidence(dispute_id, caller, clock.now())
        accepted = header_of(request.scope, b"accept") or ""
        if format_ == "html" or (format_ is None and "text/html" in accepted):
            page: Response[Any] = evidence_page(found)
            page.headers["Vary"] = "Accept"
            return page
        return Response(
            evidence_answer(found), headers={"Cache-Control": "no-store", "Vary": "Accept"}
        )


def evidence_page(found: Evidence) -> Response[str]:
    """Return the evidence about a dispute as one page to be printed."""
    answer = evidence_answer(found)
    return PAGES.show(
        "evidence.html", policy=_DOCUMENT, evidence=answer, price=to_major, actor=actor
    )
