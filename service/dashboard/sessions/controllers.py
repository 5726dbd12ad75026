"""The dashboard's pages over HTTP."""

from collections.abc import Sequence
from datetime import datetime
from typing import Annotated

from litestar import Controller, Response, get
from litestar.params import QueryParameter
from litestar.response import Redirect

from service.core.errors import NotFound
from service.core.ids import SESSION_ID
from service.core.principal import AccessScope, Principal
from service.dashboard.login.controllers import reader_of
from service.dashboard.login.services import TheLogin
from service.dashboard.reading import Frame, TheExtension, frame_of, to_login
from service.dashboard.sessions.lines import lines
from service.dashboard.sessions.page import (
    SessionLine,
    missing_page,
    search_page,
    session_line,
    timeline_page,
)
from service.sessions.operations.caller import Caller
from service.sessions.operations.find_session import Listed, list_sessions
from service.sessions.states import status_at
from service.timeline.operations.find_named import session_paid_by
from service.timeline.operations.gather import timeline
from service.web.authentication import AnyRequest
from service.web.parameters import PAGE_SIZE, SessionIdPath

# A session's id, or any that the ledger knows of its payment: `hand:{merchant}:{session}` is one.
NamedQuery = Annotated[
    str | None, QueryParameter(name="sessionId", pattern=r"^[A-Za-z0-9_:-]{1,255}$")
]


class SessionPages(Controller):
    """Find a session, and see what touched it."""

    path = "/dashboard"

    @get("/")
    async def search(
        self, request: AnyRequest, login: TheLogin, extension: TheExtension
    ) -> Response[str] | Redirect:
        """Ask for a session; show those that were opened last, and an extension's checkouts."""
        reader = await reader_of(request, login)
        if reader is None:
            return to_login("/dashboard")
        opened = await _opened_last(reader, login.clock.now())
        latest = await extension.latest() if extension is not None else None
        return search_page(opened, latest, frame_of(request, login, extension))

    @get("/sessions")
    async def found(
        self,
        request: AnyRequest,
        login: TheLogin,
        extension: TheExtension,
        named: NamedQuery = None,
    ) -> Response[str] | Redirect:
        """Redirect to the requested session, or to the one whose payment has this id."""
        if named is None:
            return Redirect("/dashboard", status_code=303)
        reader = await reader_of(request, login)
        if SESSION_ID.fullmatch(named):
            return _to_session(named)
        if reader is None:
            return to_login("/dashboard")
        return await _paid_by(named, reader, frame_of(request, login, extension))

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
            return await _paid_by(session_id, reader, frame)
        standing = status_at(gathered.session.status, gathered.session.expires_at, now)
        found = lines(gathered.entries)
        if extension is not None:
            found = await extension.add_lines(session_id, found)
        return timeline_page(gathered.session, standing, gathered.why, found, frame)


async def _opened_last(reader: Principal, now: datetime) -> Sequence[SessionLine]:
    """Return the sessions that were opened last, none to a key that may not read them."""
    if AccessScope.SESSIONS_READ not in reader.scopes:
        return []
    wanted = Listed(merchant_id=reader.merchant_id, now=now)
    found, _ = await list_sessions(wanted, Caller(reader), cursor=None, limit=PAGE_SIZE)
    return [session_line(one, now) for one in found]


async def _paid_by(named: str, reader: Principal, frame: Frame) -> Response[str] | Redirect:
    """Redirect to the session whose payment has an id that no session has."""
    session_id = await session_paid_by(reader.merchant_id, named)
    if session_id is None or session_id == named:
        return missing_page(named, frame)
    return _to_session(session_id)


def _to_session(session_id: str) -> Redirect:
    return Redirect(f"/dashboard/sessions/{session_id}", status_code=303)
