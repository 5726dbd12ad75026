"""The dashboard's pages over HTTP."""

from typing import Annotated

from litestar import Controller, Response, get
from litestar.di import NamedDependency
from litestar.params import QueryParameter
from litestar.response import Redirect

from service.core.errors import NotFound
from service.dashboard.login.controllers import reader_of, token_of
from service.dashboard.login.door import TheDoor
from service.dashboard.sessions.lines import Seen, lines
from service.dashboard.sessions.page import Frame, missing_page, search_page, timeline_page
from service.sessions.operations.caller import Caller
from service.sessions.states import status_at
from service.timeline.operations import timeline
from service.web.authentication import AnyRequest
from service.web.parameters import SessionIdPath
from tillgate_sandbox import repository as sandbox
from tillgate_sandbox.calls.repository import calls_of

HasSandbox = NamedDependency[bool]

_LATEST = 20

SessionIdQuery = Annotated[str, QueryParameter(name="sessionId", pattern=r"^[A-Za-z0-9_-]{1,40}$")]


class SessionPages(Controller):
    """Find a session, and see what touched it."""

    path = "/dashboard"

    @get("/")
    async def search(
        self, request: AnyRequest, door: TheDoor, has_sandbox: HasSandbox
    ) -> Response[str] | Redirect:
        """Ask for a session; show the sandbox's latest checkouts."""
        if await reader_of(request, door) is None:
            return _to_login("/dashboard")
        latest = await sandbox.latest_checkouts(_LATEST) if has_sandbox else None
        return search_page(latest, Frame(token_of(request, door), has_sandbox))

    @get("/sessions")
    async def found(
        self, request: AnyRequest, door: TheDoor, session_id: SessionIdQuery
    ) -> Redirect:
        """Go to the session that was asked for."""
        await reader_of(request, door)
        return Redirect(f"/dashboard/sessions/{session_id}", status_code=303)

    @get("/sessions/{session_id:str}")
    async def show(
        self,
        request: AnyRequest,
        session_id: SessionIdPath,
        door: TheDoor,
        has_sandbox: HasSandbox,
    ) -> Response[str] | Redirect:
        """Draw everything that touched a session, and why it is in its state."""
        reader = await reader_of(request, door)
        if reader is None:
            return _to_login(f"/dashboard/sessions/{session_id}")
        frame, now = Frame(token_of(request, door), has_sandbox), door.clock.now()
        try:
            told = await timeline(session_id, Caller(reader), now)
        except NotFound:
            return missing_page(session_id, frame)
        seen = await _seen(session_id) if has_sandbox else Seen()
        standing = status_at(told.session.status, told.session.expires_at, now)
        found = lines(told.entries, seen)
        return timeline_page(told.session, standing, told.why, found, frame)


async def _seen(session_id: str) -> Seen:
    return Seen(
        await sandbox.checkouts_of(session_id),
        await sandbox.deliveries_of(session_id),
        await calls_of(session_id),
    )


def _to_login(following: str) -> Redirect:
    return Redirect(f"/dashboard/login?next={following}", status_code=303)
