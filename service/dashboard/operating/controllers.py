"""The page of operations over HTTP, and what its buttons do."""

from litestar import Controller, get, post
from litestar.di import Provide

from service.core.clock import Clock
from service.core.paging import cursor_of
from service.core.principal import Principal
from service.dashboard.acting import Answer, Form, Sheet, act, page
from service.dashboard.login.controllers import UNATTENDED
from service.dashboard.operating.lines import LONGEST_ID
from service.dashboard.operating.page import operations_page
from service.dashboard.operating.services import TheOperating, provide_operating
from service.dashboard.operating.shown import JOBS, REDELIVER, followed_by, shown_to
from service.dashboard.said import Said, shortened
from service.jobs.operations.begin import begin_job
from service.jobs.operations.pausing import pause_job, resume_job
from service.outbox.controllers import whose
from service.outbox.operations.dead_letters import find_delivery, redeliver
from service.web.authentication import AnyRequest, on_behalf_of
from service.web.parameters import PageCursor

HERE = "/dashboard/operations"


class OperationsPages(Controller):
    """What waits, what the jobs did, what was given up, and the buttons for it."""

    path = HERE
    dependencies = {"needs": Provide(provide_operating, sync_to_thread=False)}

    @get("/")
    async def show(
        self, request: AnyRequest, needs: TheOperating, cursor: PageCursor = None
    ) -> Answer:
        """Show what the reader may see, and what the act before came to.

        `cursor`: where the page of what was given up begins.
        """

        async def show(sheet: Sheet) -> Answer:
            reader, place = sheet.reader, cursor_of(cursor)
            unattended = UNATTENDED in request.headers
            seen = followed_by(reader, needs) if unattended else shown_to(reader, needs, place)
            return operations_page(await seen, sheet)

        return await page(request, needs.desk, (), show)

    @post("/run", status_code=303)
    async def run(self, request: AnyRequest, needs: TheOperating) -> Answer:
        """Begin a run of a job. It may take a minute: this only says that it began."""

        async def do(reader: Principal, given: Form) -> Said:
            name = given.get("id", "")
            match await begin_job(name, needs.table, reader):
                case "begun":
                    return Said(f"A run of {name} has begun. It goes on by itself.")
                case "paused":
                    return Said(f"Nothing was run: {name} is paused. Resume it first.", "bad")
                case "under way":
                    return Said(f"A run of {name} is under way, so no other was begun.", "warn")

        return await act(request, needs.desk, JOBS, HERE, do)

    @post("/pause", status_code=303)
    async def pause(self, request: AnyRequest, needs: TheOperating) -> Answer:
        """Let nobody run a job until it is resumed."""

        async def do(reader: Principal, given: Form) -> Said:
            name = given.get("id", "")
            if await pause_job(name, needs.table, reader):
                return Said(f"{name} is paused. A run that is under way ends after its batch.")
            return Said(f"{name} was paused already.", "warn")

        return await act(request, needs.desk, JOBS, HERE, do)

    @post("/resume", status_code=303)
    async def resume(self, request: AnyRequest, needs: TheOperating) -> Answer:
        """Let a paused job run again."""

        async def do(reader: Principal, given: Form) -> Said:
            name = given.get("id", "")
            if await resume_job(name, needs.table, reader):
                return Said(f"{name} runs again when it is called next.")
            return Said(f"{name} was not paused.", "warn")

        return await act(request, needs.desk, JOBS, HERE, do)

    @post("/redeliver", status_code=303)
    async def redeliver(self, request: AnyRequest, needs: TheOperating) -> Answer:
        """Have a dead letter delivered again."""

        async def do(reader: Principal, given: Form) -> Said:
            return await _redelivered(reader, given.get("id", ""), needs.desk.login.clock)

        return await act(request, needs.desk, REDELIVER, HERE, do)


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
