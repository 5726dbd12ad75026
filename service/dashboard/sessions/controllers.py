"""The dashboard's pages over HTTP."""

from typing import Annotated

from litestar import Controller, Response, get
from litestar.params import QueryParameter
from litestar.response import Redirect

from service.core.errors import NotFound
from service.dashboard.login.controllers import reader_of
from service.dashboard.login.services import TheLogin
from service.dashboard.reading import TheExtension, frame_of, to_login
from service.dashboard.sessions.lines import lines
from service.dashboard.sessions.page import missing_page, search_page, timeline_page
from service.sessions.operations.caller import Caller
from service.sessions.states import status_at
from service.timeline.operations.gather import timeline
from service.web.authentication import AnyRequest
from service.web.parameters import SessionIdPath

SessionIdQuery = Annotated[str, QueryParameter(name="sessionId", pattern=r"^[A-Za-z0-9_-]{1,40}$")]


class SessionPages(Controller):
    """Find a session, and see what touched it."""

    path = "/dashboard"

    @get("/")
    async def search(
        self, request: AnyRequest, login: TheLogin, extension: TheExtension
    ) -> Response[str] | Redirect:
        """Ask for a session; show the checkouts that an extension opened last."""
        if await reader_of(request, login) is None:
            return to_login("/dashboard")
        latest = await extension.latest() if extension is not None else None
        return search_page(latest, frame_of(request, login, extension))

    @get("/sessions")
    async def found(
        self, request: AnyRequest, login: TheLogin, session_id: SessionIdQuery
    ) -> Redirect:
        """Redirect to the requested session."""
        await reader_of(request, login)
        return Redirect(f"/dashboard/sessions/{session_id}", status_code=303)

    @get("/sessions/{session_id:str}")
    async def show(
        self,
        request: AnyRequest,
        session_id: SessionIdPath,
        login: TheLogin,
        extension: TheExtension,
    ) -> Response[str] | Redirect:
        """Show everything that touched a session, and why it is in its state."""
        reader = await reader_of(request, login)
        if reader is None:
            return to_login(f"/dashboard/sessions/{session_id}")
        frame, now = frame_of(request, login, extension), login.clock.now()
        try:
            gathered = await timeline(session_id, Caller(reader), now)
        except NotFound:
            return missing_page(session_id, frame)
        standing = status_at(gathered.session.status, gathered.session.expires_at, now)
        found = lines(gathered.entries)
        if extension is not None:
            found = await extension.add_lines(session_id, found)
        return timeline_page(gathered.session, standing, gathered.why, found, frame)
