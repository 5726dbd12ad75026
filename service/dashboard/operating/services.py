"""What the page reads, for whom, and what its buttons ask of their reader.

Who may see or do something here is who may by the routes of the API: their scopes are asked for.
"""

from typing import TypeAlias

from litestar.di import NamedDependency
from litestar.params import SkipValidation
from msgspec import Struct

from service.core.principal import AccessScope, Principal
from service.dashboard.login.services import LoginServices, TheLogin
from service.dashboard.operating.lines import jobs, queues
from service.dashboard.operating.page import Shown
from service.dashboard.reading import TheExtension
from service.extension import Mounted
from service.inbox.operations.figures import open_events
from service.jobs.controllers import NamedJobs, TheTable
from service.jobs.operations.job import Table
from service.jobs.operations.listing import list_jobs
from service.web.authentication import scopes_needed

# What is of all merchants is the operator's; the figures of the queues stand in /metrics, too.
QUEUES = frozenset({AccessScope.METRICS_READ, AccessScope.OPERATOR})
JOBS = frozenset(scopes_needed(NamedJobs.opt))

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


async def shown_to(reader: Principal, needs: Operating) -> Shown:
    """Read what a reader may see. Raises `Unavailable`."""
    now, may = needs.login.clock.now(), reader.scopes
    return Shown(
        queues=queues(await open_events(), now) if may >= QUEUES else None,
        jobs=jobs(await list_jobs(needs.table, runs=_RUNS_SHOWN), now) if may >= JOBS else None,
    )
