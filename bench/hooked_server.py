"""Tillgate with webhook endpoints on this machine, which production refuses.

Run as `tillgate` is: what is sent there, and what that costs, is what endpoints elsewhere cost.
"""

from service import wiring
from service.cli.main import main
from service.core.clock import Clock
from service.notifications.endpoints.operations.addresses import LOOPBACK, Addresses
from service.notifications.endpoints.operations.known import Endpoints
from service.notifications.endpoints.operations.sealing import Sealer
from service.notifications.endpoints.operations.services import EndpointServices
from service.settings import Settings


def _on_this_machine(settings: Settings, clock: Clock) -> EndpointServices:
    sealer = Sealer(settings.access.peppers)
    return EndpointServices(clock, Endpoints(clock), Addresses(LOOPBACK), sealer)


if __name__ == "__main__":
    wiring.build_endpoints = _on_this_machine
    main()
