"""What the page of operations is given."""

from typing import TypeAlias

from litestar.di import NamedDependency
from litestar.params import SkipValidation
from msgspec import Struct

from service.dashboard.acting import Desk
from service.dashboard.login.services import TheLogin
from service.dashboard.reading import TheExtension
from service.jobs.controllers import TheTable
from service.jobs.operations.job import Table


class Operating(Struct, frozen=True):
    """What the page is given: what any has, and the table of jobs."""

    desk: Desk
    table: Table


TheOperating: TypeAlias = NamedDependency[SkipValidation[Operating]]


def provide_operating(login: TheLogin, extension: TheExtension, job_table: TheTable) -> Operating:
    """Return what the handlers of the page are given."""
    return Operating(Desk(login, extension), job_table)
