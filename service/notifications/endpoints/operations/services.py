"""What all that endpoints share."""

from msgspec import Struct, field

from service.core.clock import Clock
from service.notifications.endpoints.operations.addresses import Addresses
from service.notifications.endpoints.operations.backlog import Backlog
from service.notifications.endpoints.operations.known import Endpoints
from service.notifications.endpoints.operations.sealing import Sealer


class EndpointServices(Struct, frozen=True):
    """What operations and the sender are given."""

    clock: Clock
    endpoints: Endpoints
    addresses: Addresses
    sealer: Sealer
    backlog: Backlog = field(default_factory=Backlog)
