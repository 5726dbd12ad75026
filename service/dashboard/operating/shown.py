"""What the page reads, and for whom.

Who may see or do something here is who may by the routes of the API: their scopes are asked for.
"""

from msgspec.structs import replace

from service.core.clock import Clock
from service.core.errors import Unavailable
from service.core.paging import Cursor, next_cursor
from service.core.principal import AccessScope, Principal
from service.dashboard.alerts.lines import alert_name
from service.dashboard.operating.lines import Queue, dead_letters, jobs, queues
from service.dashboard.operating.page import DeadLetters, Shown
from service.dashboard.operating.services import Operating
from service.inbox.operations.figures import open_events
from service.jobs.controllers import NamedJobs
from service.jobs.operations.listing import list_jobs
from service.notifications.alerts.operations.browse import open_alerts
from service.outbox.controllers import AdminDeliveries, whose
from service.outbox.operations.dead_letters import DeliveryFilter, list_deliveries
from service.outbox.operations.figures import waiting
from service.web.authentication import scopes_needed
from service.web.parameters import PAGE_SIZE

# What is of all merchants is the operator's; the figures of the queues stand in /metrics, too.
QUEUES = frozenset({AccessScope.METRICS_READ, AccessScope.OPERATOR})
ALERTS = frozenset({AccessScope.ALERTS_READ})
JOBS = frozenset(scopes_needed(NamedJobs.opt))
DEAD_LETTERS = frozenset(scopes_needed(AdminDeliveries.opt))
REDELIVER = frozenset({AccessScope.DELIVERIES_REDELIVER})

_RUNS_SHOWN = 6
_ALERTS_SHOWN = 8


async def shown_to(reader: Principal, needs: Operating, place: Cursor | None = None) -> Shown:
    """Read what a reader may see; of what was given up a page. Raises `Unavailable`.

    Counting very many rows may take longer than a page has: the rest is shown without them.
    """
    shown = await followed_by(reader, needs)
    may = reader.scopes
    alerts = await _alerts(reader) if may >= ALERTS else None
    dead = await _dead_letters(reader, place) if may >= DEAD_LETTERS else None
    counted: list[Queue] | None = None
    uncounted = False
    if may >= QUEUES:
        try:
            counted = await _queues(needs.desk.login.clock)
        except Unavailable:
            uncounted = True
    return replace(shown, alerts=alerts, dead=dead, queues=counted, uncounted=uncounted)


async def followed_by(reader: Principal, needs: Operating) -> Shown:
    """Read what a page that refreshes itself takes of it: how the jobs stand."""
    if not reader.scopes >= JOBS:
        return Shown()
    listed = await list_jobs(needs.table, runs=_RUNS_SHOWN)
    return Shown(jobs=jobs(listed, needs.desk.login.clock.now()))


async def _alerts(reader: Principal) -> list[str]:
    return [alert_name(one) for one in await open_alerts(whose(reader), _ALERTS_SHOWN)]


async def _queues(clock: Clock) -> list[Queue]:
    return queues(await open_events(), await waiting(clock), clock.now())


async def _dead_letters(reader: Principal, place: Cursor | None) -> DeadLetters:
    found, following = await list_deliveries(
        whose(reader), DeliveryFilter(), cursor=place, limit=PAGE_SIZE
    )
    older = next_cursor(following)
    return DeadLetters(dead_letters(found, reader), older, reader.scopes >= REDELIVER)
