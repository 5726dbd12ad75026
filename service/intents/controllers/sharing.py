"""What the routes of leads share."""

from service.core.principal import AccessScope
from service.intents.operations.services import IntentServices
from service.web.authentication import AnyRequest, requires

PATH = "/api/payment-intent"
TAGS = ["Leads"]
READERS = requires(AccessScope.INTENTS_READ)
DELETERS = requires(AccessScope.INTENTS_READ, AccessScope.INTENTS_WRITE)
"""Whoever may only leave leads deletes none."""


def services_of(request: AnyRequest) -> IntentServices:
    """Return what the routes of leads share, from the application's state."""
    services: IntentServices = request.app.state.intents
    return services
