"""Timelines over HTTP."""

from litestar import Controller, get
from litestar.di import NamedDependency
from litestar.params import SkipValidation

from service.core.clock import Clock
from service.core.principal import AccessScope
from service.sessions.controllers import caller_of
from service.timeline.operations.gather import timeline
from service.timeline.schemas import TimelineAnswer, timeline_view
from service.web.authentication import AnyRequest, requires
from service.web.parameters import SessionIdPath


class Timelines(Controller):
    """Why a session is in its state."""

    tags = ["Sessions"]

    @get(
        "/api/payment-sessions/{session_id:str}/timeline",
        opt=requires(AccessScope.TIMELINES_READ),
        summary="Tell everything that touched a session",
    )
    async def show(
        self,
        session_id: SessionIdPath,
        request: AnyRequest,
        clock: NamedDependency[SkipValidation[Clock]],
    ) -> TimelineAnswer:
        """Oldest first, with the reason for its state in a sentence."""
        caller, now = caller_of(request), clock.now()
        return timeline_view(await timeline(session_id, caller, now), caller, now)
