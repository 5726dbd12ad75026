"""What can be wrong with a lease."""

from service.core.errors import Conflict


class LeaseLost(Conflict):
    """The lease ran out, or another holder has taken it over: nothing more is written."""

    code = "lease_lost"
