"""What can be wrong with a job."""

from service.core.errors import NotFound


class JobNotFound(NotFound):
    """There is no such job."""

    code = "job_not_found"
