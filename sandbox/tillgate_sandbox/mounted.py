"""The sandbox as part of an application: its routes, its background work, its records."""

from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from types import MappingProxyType

from litestar import Litestar
from litestar.types import ControllerRouterHandler

from service.extension import ExtensionPage, LatestCheckouts, Line
from service.storage.database import Database
from tillgate_sandbox import repository
from tillgate_sandbox.base import Sandbox
from tillgate_sandbox.building import prepare_sandbox, sandbox_routes
from tillgate_sandbox.calls.recording import recording
from tillgate_sandbox.calls.repository import calls_of
from tillgate_sandbox.delivering import delivering
from tillgate_sandbox.mailbox.controllers import mailbox_routes
from tillgate_sandbox.shop.controllers import shop_routes
from tillgate_sandbox.timeline.calls import with_calls
from tillgate_sandbox.timeline.lines import latest_checkout, lines_of

PAGES = (
    ExtensionPage("Shop", "/shop", "buy something; nothing is charged"),
    ExtensionPage("Chaos", "/sandbox/chaos", "make providers misbehave"),
    ExtensionPage("Mailbox", "/sandbox/mail", "what was mailed; nobody else gets any"),
)

_LATEST = 20

_KINDS = MappingProxyType({"call": "Call", "attempt": "Attempt", "delivery": "Delivery"})
_START = ExtensionPage("Buy something in the shop", "/shop", "nothing is charged")


class MountedSandbox:
    """The sandbox in an application on a database."""

    pages = PAGES
    kinds: Mapping[str, str] = _KINDS

    def __init__(self, sandbox: Sandbox, database: Database, providers: frozenset[str]) -> None:
        """Build the routes; the shop sells through the providers that have credentials."""
        self.sandbox = sandbox
        self._database = database
        self.routes: Sequence[ControllerRouterHandler] = (
            *sandbox_routes(sandbox),
            shop_routes(sandbox.settings, providers, sandbox.clock),
            mailbox_routes(),
        )

    @asynccontextmanager
    async def lifespan(self, app: Litestar, *, loop: bool) -> AsyncIterator[None]:
        """Create the collections, record calls, and with the `loop` deliver webhooks."""
        async with AsyncExitStack() as stack:
            await prepare_sandbox(self._database)
            stack.enter_context(recording(app, self.sandbox.clock))
            if loop:
                await stack.enter_async_context(delivering(self.sandbox))
            yield

    async def add_lines(self, session_id: str, lines: Sequence[Line]) -> list[Line]:
        """Insert the checkouts, deliveries and calls of a session between its lines."""
        seen = lines_of(
            await repository.checkouts_of(session_id), await repository.deliveries_of(session_id)
        )
        return with_calls([*lines, *seen], await calls_of(session_id))

    async def latest(self) -> LatestCheckouts:
        """Return the latest checkouts in words."""
        latest = [latest_checkout(one) for one in await repository.latest_checkouts(_LATEST)]
        return LatestCheckouts("Latest checkouts of the sandbox", latest, _START)
