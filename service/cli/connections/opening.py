"""Build the door from the settings."""

import structlog

from service.cli.connections.door import Door
from service.cli.connections.files import places
from service.cli.connections.hosts import hosts_of
from service.settings import Settings

log = structlog.get_logger(__name__)


def door_of(settings: Settings) -> Door:
    """Build the door, with no more places than open files allow."""
    limits = settings.connections
    fit = places(limits.most)
    if fit < limits.most:
        log.warning("MAX_CONNECTIONS does not fit: raise the limit of open files", most=fit)
        limits = limits.model_copy(update={"most": fit})
    return Door(limits, None if settings.production else hosts_of(settings.web.public_url))
