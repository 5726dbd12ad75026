"""What the page reads, for whom, and what its buttons ask of their reader.

Who may see or do something here is who may by the routes of the API: their scopes are asked for.
"""

from typing import TypeAlias

from litestar.di import NamedDependency
from litestar.params import SkipValidation
from msgspec import Struct

from service.core.paging import Cursor
from service.core.principal import AccessScope, Principal
from service.dashboard.login.services import LoginServices, TheLogin
from service.dashboard.operating.lines import dead_letters, jobs, queues
from service.dashboard.operating.page import DeadLetters, Shown
from service.dashboard.reading import TheExtension
from service.extension import Mounted
from service.inbox.operations.figures import open_events
from service.jobs.controllers import NamedJobs, TheTable
from service.jobs.operations.job import Table
from service.jobs.operations.listing import list_jobs
from service.outbox.controllers import AdminDeliveries, whose
from service.outbox.operations.dead_letters import DeliveryFilter, list_deliveries
from service.outbox.operations.figures import waiting
from service.web.authentication import scopes_needed
from service.web.parameters import PAGE_SIZE

# What is of all merchants is the operator's; the figures of the queues stand in /metrics, too.
QUEUES = frozenset({AccessScope.METRICS_READ, AccessScope.OPERATOR})
JOBS = frozenset(scopes_needed(NamedJobs.opt))
DEAD_LETTERS = frozenset(scopes_needed(AdminDeliveries.opt))
REDELIVER = frozenset({AccessScope.DELIVERIES_REDELIVER})

_RUNS_SHOWN = 6


class Operating(Struct, frozen=True):
    """What the page is given."""

    login: LoginServices
    extension: Mounted | None
    table: Table


TheOperating: TypeAlias = NamedDependency[SkipValidation[Operating]]


def provide_operating(login: TheLogin, extension: TheExtension, job_table: TheTable) -> Operating:
    """Return what the handlers of the page are given."""
    return Operating(login, extension, job_table)


async def shown_to(reader: Principal, needs: Operating, place: Cursor | None = None) -> Shown:
    """Read what a reader may see; of what was given up a page. Raises `Unavailable`."""
    may, clock = reader.scopes, needs.login.clock
    now = clock.now()
    return Shown(
        queues=queues(await open_events(), await waiting(clock), now) if may >= QUEUES else None,
        jobs=jobs(await list_jobs(needs.table, runs=_RUNS_SHOWN), now) if may >= JOBS else None,
        dead=await _dead_letters(reader, place) if may >= DEAD_LETTERS else None,
    )


async def _dead_letters(reader: Principal, place: Cursor | None) -> DeadLetters:
    found, following = await list_deliveries(
        whose(reader), DeliveryFilter(), cursor=place, limit=PAGE_SIZE
    )
    older = following.encode() if following is not None else None
    return DeadLetters(dead_letters(found, reader), older, reader.scopes >= REDELIVER)
