"""The page of operations over HTTP, and what its buttons do."""

from collections.abc import Awaitable, Callable, Collection

from litestar import Controller, Response, get, post
from litestar.di import Provide
from litestar.response import Redirect

from service.core.clock import Clock
from service.core.errors import Conflict, NotFound
from service.core.paging import cursor_of
from service.core.principal import AccessScope, Principal
from service.dashboard.login.controllers import UNATTENDED, reader_of
from service.dashboard.login.cookies import SIGN_IN, came_from_us
from service.dashboard.operating.lines import LONGEST_ID
from service.dashboard.operating.page import operations_page
from service.dashboard.operating.services import Operating, TheOperating, provide_operating
from service.dashboard.operating.shown import JOBS, REDELIVER, followed_by, shown_to
from service.dashboard.reading import frame_of, to_login
from service.dashboard.said import SAID, Said, said_before, say, shortened
from service.jobs.operations.begin import begin_job
from service.jobs.operations.pausing import pause_job, resume_job
from service.outbox.controllers import whose
from service.outbox.operations.dead_letters import find_delivery, redeliver
from service.web.authentication import AnyRequest, on_behalf_of, require
from service.web.parameters import PageCursor

HERE = "/dashboard/operations"
OLD_FORM = Said("This form was old, and nothing was done. Please try again.", "bad")


class OperationsPages(Controller):
    """What waits, what the jobs did, what was given up, and the buttons for it."""

    path = HERE
    dependencies = {"needs": Provide(provide_operating, sync_to_thread=False)}

    @get("/")
    async def show(
        self, request: AnyRequest, needs: TheOperating, cursor: PageCursor = None
    ) -> Response[str] | Redirect:
        """Show what the reader may see, and what the act before came to.

        `cursor`: where the page of what was given up begins.
        """
        reader = await reader_of(request, needs.login)
        if reader is None:
            return to_login(HERE)
        said = said_before(request, needs.login.jar)
        place = cursor_of(cursor)
        unattended = UNATTENDED in request.headers
        shown = await (followed_by(reader, needs) if unattended else shown_to(reader, needs, place))
        answer = operations_page(shown, frame_of(request, needs.login, needs.extension), said)
        if said is not None:
            answer.set_cookie(needs.login.jar.forget(SAID))
        return answer

    @post("/run", status_code=303)
    async def run(self, request: AnyRequest, needs: TheOperating) -> Response[str] | Redirect:
        """Begin a run of a job. It may take a minute: this only says that it began."""

        async def act(reader: Principal, name: str) -> Said:
            match await begin_job(name, needs.table, reader):
                case "begun":
                    return Said(f"A run of {name} has begun. It goes on by itself.")
                case "paused":
                    return Said(f"Nothing was run: {name} is paused. Resume it first.", "bad")
                case "under way":
                    return Said(f"A run of {name} is under way, so no other was begun.", "warn")

        return await _done(request, needs, JOBS, act)

    @post("/pause", status_code=303)
    async def pause(self, request: AnyRequest, needs: TheOperating) -> Response[str] | Redirect:
        """Let nobody run a job until it is resumed."""

        async def act(reader: Principal, name: str) -> Said:
            if await pause_job(name, needs.table, reader):
                return Said(f"{name} is paused. A run that is under way ends after its batch.")
            return Said(f"{name} was paused already.", "warn")

        return await _done(request, needs, JOBS, act)

    @post("/resume", status_code=303)
    async def resume(self, request: AnyRequest, needs: TheOperating) -> Response[str] | Redirect:
        """Let a paused job run again."""

        async def act(reader: Principal, name: str) -> Said:
            if await resume_job(name, needs.table, reader):
                return Said(f"{name} runs again when it is called next.")
            return Said(f"{name} was not paused.", "warn")

        return await _done(request, needs, JOBS, act)

    @post("/redeliver", status_code=303)
    async def redeliver(self, request: AnyRequest, needs: TheOperating) -> Response[str] | Redirect:
        """Have a dead letter delivered again."""

        async def act(reader: Principal, delivery_id: str) -> Said:
            return await _redelivered(reader, delivery_id, needs.login.clock)

        return await _done(request, needs, REDELIVER, act)


async def _redelivered(reader: Principal, delivery_id: str, clock: Clock) -> Said:
    """Have a dead letter delivered again.

    A page may be older than what it shows. What was delivered meanwhile would be told twice.
    """
    found = await find_delivery(delivery_id, whose(reader))
    named = shortened(delivery_id, LONGEST_ID)
    if found.status == "done":
        return Said(f"Nothing was done: {named} was delivered meanwhile.", "warn")
    if found.status == "pending":
        return Said(f"Nothing was done: {named} is being tried again already.", "warn")
    await redeliver(found, on_behalf_of(reader, found.merchant_id), clock)
    return Said(f"{named} is tried again now. If that fails for days, it is listed here once more.")


async def _done(
    request: AnyRequest,
    needs: Operating,
    needed: Collection[AccessScope],
    act: Callable[[Principal, str], Awaitable[Said]],
) -> Response[str] | Redirect:
    """Do what a form asks for, and lead back to the page, which says what it came to.

    What was refused is said there, too. Raises `Forbidden` for a reader without the scopes: the
    page has no such button.
    """
    reader = await reader_of(request, needs.login)
    if reader is None:
        return to_login(HERE)
    given, jar = await request.form(), needs.login.jar
    if not came_from_us(request, jar.read(request, SIGN_IN), str(given.get("token") or "")):
        frame = frame_of(request, needs.login, needs.extension)
        return operations_page(await shown_to(reader, needs), frame, OLD_FORM, 403)
    require(reader, *needed)
    try:
        said = await act(reader, str(given.get("id") or ""))
    except (Conflict, NotFound) as error:
        said = Said(error.message, "bad")
    return Redirect(HERE, status_code=303, cookies=[say(said, request, jar)])
