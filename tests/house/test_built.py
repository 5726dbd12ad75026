"""The application that tests share is, for each of them, as it was built."""

from httpx import ASGITransport, AsyncClient

from service.core.clock import ManualClock
from service.providers.registry import close_providers
from service.storage.database import Database
from tests.support.api import SECRET
from tests.support.built import build
from tests.support.settings import make_settings


async def test_what_a_test_leaves_in_the_application_is_gone_for_the_next(
    database: Database, clock: ManualClock
) -> None:
    built = build(make_settings(RATE_LIMIT_PER_KEY="1"), database, clock)
    handlers = [handler for route in built.app.routes for handler in route.route_handlers]
    opts = [dict(handler.opt) for handler in handlers]
    transport = ASGITransport(built.app)
    async with AsyncClient(transport=transport, base_url="http://testserver") as http:

        async def call() -> int:
            headers = {"Authorization": f"Bearer {SECRET}"}
            return (await http.get("/api/payment-sessions/s-1", headers=headers)).status_code

        assert [await call(), await call()] == [404, 429]  # counted, in its memory
        built.app.state.left = built.app.state.services = None
        built.app.state.container.jobs.stopping.set()
        for handler in handlers:
            handler.opt.clear()

        built.put_back()
        assert await call() == 404
    assert not built.app.state.container.jobs.stopping.is_set()
    assert "left" not in built.app.state.dict()
    assert built.app.state.services is built.app.state.container.services
    assert [handler.opt for handler in handlers] == opts
    await close_providers(built.app.state.container.providers)
