"""The hot routes while the job of figures runs again and again, and the peers, in one run."""

from contextlib import AbstractContextManager, nullcontext
from functools import partial
from typing import Any

from bench.database import Mongod
from bench.scenarios.figures_beside import going_on, run_jobs
from bench.scenarios.hot_routes import Plan, Told, measure_hot_routes
from bench.servers import COUNTED, EXPRESS, FASTIFY, TILLGATE, Server


def measure_counted(mongod: Mongod, tell: Told, *, rounds: int, seconds: int) -> dict[str, Any]:
    """Drive Tillgate with and without the job, and its peers, in interleaved rounds.

    The job runs without a pause from before a route is driven until after it, also while what the
    route takes is put there.
    """
    plan = Plan(rounds, seconds, (64,), servers=(COUNTED, TILLGATE, EXPRESS, FASTIFY))
    return {"runs": measure_hot_routes(mongod, tell, plan, beside=_job_beside)}


def _job_beside(server: Server, port: int) -> AbstractContextManager[None]:
    return going_on(partial(run_jobs, port)) if server is COUNTED else nullcontext()
