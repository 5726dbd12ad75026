"""The sandbox as a whole: the played providers, its documents and its routes."""

from litestar import Router
from litestar.di import Provide
from litestar.types import ControllerRouterHandler

from service.core.clock import Clock
from service.providers.registry import ProviderName
from service.settings import Settings
from service.storage.database import Database
from service.storage.documents import bind
from service.storage.indexes import apply_indexes
from tillgate_sandbox.base import Played, Sandbox
from tillgate_sandbox.pages.controllers import page_routes
from tillgate_sandbox.phonepe.controllers import ROUTES as PHONEPE
from tillgate_sandbox.phonepe.events import PlayedPhonePe
from tillgate_sandbox.razorpay.events import PlayedRazorpay
from tillgate_sandbox.razorpay.routes import ROUTES as RAZORPAY
from tillgate_sandbox.stored import SANDBOX_DOCUMENTS
from tillgate_sandbox.stripe.controllers import ROUTES as STRIPE
from tillgate_sandbox.stripe.events import PlayedStripe


def build_sandbox(settings: Settings, clock: Clock) -> Sandbox:
    """Build the sandbox; it delivers to the service's public URL."""
    played: dict[ProviderName, Played] = {
        "stripe": PlayedStripe(settings),
        "razorpay": PlayedRazorpay(settings),
        "phonepe": PlayedPhonePe(settings),
    }
    return Sandbox(settings, clock, deliver_to=settings.web.public_url, played=played)


def sandbox_routes(sandbox: Sandbox) -> list[ControllerRouterHandler]:
    """Return the providers' wires and the pages; none of them is in the API document."""
    wires = Router(
        "/",
        route_handlers=[*STRIPE, *RAZORPAY, *PHONEPE],
        dependencies={"sandbox": Provide(lambda: sandbox, sync_to_thread=False)},
        include_in_schema=False,
    )
    return [wires, page_routes(sandbox)]


async def prepare_sandbox(database: Database) -> None:
    """Bind the sandbox's documents and create its indexes: production has neither."""
    await bind(database, SANDBOX_DOCUMENTS)
    await apply_indexes(database, SANDBOX_DOCUMENTS)
