"""A tiny application on the web layer: one route for each thing that the layer does."""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Annotated

from litestar import Litestar, get, post
from litestar.params import FromPath, JSONBody, QueryParameter, RawBody
from pydantic import Field

from service.core.clock import Clock
from service.core.errors import TillgateError
from service.core.principal import AccessScope
from service.settings import Settings, load_settings
from service.storage.database import Database
from service.storage.documents import StoredDocument
from service.web.authentication import PUBLIC, CurrentPrincipal, requires
from service.web.edge import put_edge_around
from service.web.fields import (
    CurrencyCode,
    Email,
    LongText,
    Metadata,
    Quantity,
    SessionId,
    StrictAmount,
    Text,
    UtcMoment,
)
from service.web.health import Readiness
from service.web.idempotency.documents import IdempotencyKey
from service.web.idempotency.middleware import IDEMPOTENT
from service.web.keys.documents import ApiKey
from service.web.layer import web_layer
from service.web.limits.rate_limits import UNLIMITED
from service.web.parameters import PAGE_SIZE, PageLimit, SessionIdPath, moment_parameter
from service.web.requests import AnyRequest
from service.web.wire import WireModel

DOCUMENTS: Sequence[type[StoredDocument]] = (ApiKey, IdempotencyKey)

PK, SK = "pk_test_publishable_0001", "sk_test_secret_000000001"
AK, JK = "ak_test_admin_0000000001", "jk_test_jobs_00000000001"
JWT_SECRET = "a-secret-of-the-identity-provider-0001"


class Line(WireModel):
    """One line of an order."""

    item: Text
    quantity: Quantity = 1


class Order(WireModel):
    """A body with one field of each type."""

    amount: StrictAmount
    currency: CurrencyCode = "USD"
    session_id: SessionId | None = None
    user_email: Email | None = None
    expires_at: UtcMoment | None = None
    note: LongText | None = None
    lines: list[Line] = Field(default_factory=list)
    metadata: Metadata | None = None
    principal: Text | None = None  # the name of a dependency: its error must not become a 500


@dataclass
class Seen:
    """What the handlers saw, and what they are told to do."""

    orders: list[Order] = field(default_factory=list)
    seeds: list[str | None] = field(default_factory=list)
    fail_with: Exception | None = None
    hold: asyncio.Event | None = None
    held: asyncio.Event = field(default_factory=asyncio.Event)


def settings_for(**variables: object) -> Settings:
    """Settings with keys of each kind; keyword arguments replace fields by group."""
    settings = load_settings(())
    access = settings.access.model_copy(
        update={
            "publishable_keys": (PK,),
            "secret_keys": (f"ops:{SK}",),
            "admin_keys": (AK,),
            "jobs_keys": (JK,),
            "jwt_secret": JWT_SECRET,
            "pii_peppers": ("a-pepper-of-many-characters",),
            **_of(variables, settings.access),
        }
    )
    unlimited = {"rate_limit_per_key": 0, "rate_limit_per_address": 0}
    web = settings.web.model_copy(update=unlimited | _of(variables, settings.web))
    return settings.model_copy(update={"access": access, "web": web})


def _of(variables: dict[str, object], group: object) -> dict[str, object]:
    fields = type(group).model_fields  # type: ignore[attr-defined]
    return {name: value for name, value in variables.items() if name in fields}


def create_test_app(
    settings: Settings, clock: Clock, database: Database, seen: Seen | None = None
) -> Litestar:
    """Build the application as `service.app` does."""
    seen = seen or Seen()

    @post(
        "/api/orders",
        opt={**requires(AccessScope.SESSIONS_WRITE), IDEMPOTENT: True},
        operation_id="createOrder",
    )
    async def create_order(
        data: JSONBody[Order], principal: CurrentPrincipal, request: AnyRequest
    ) -> Order:
        """Create an order."""
        seen.orders.append(data)
        seen.seeds.append(request.scope["state"].get("idempotency_seed"))
        if seen.hold is not None:
            seen.held.set()
            await seen.hold.wait()
        if seen.fail_with is not None:
            raise seen.fail_with
        return data

    @get("/api/orders", opt=requires(AccessScope.SESSIONS_READ))
    async def list_orders(
        user_id: Annotated[str, QueryParameter(name="userId", max_length=50)],
        created_from: Annotated[str | None, QueryParameter(name="from")] = None,
        limit: PageLimit = PAGE_SIZE,
    ) -> dict[str, object]:
        """List orders."""
        return {
            "userId": user_id,
            "limit": limit,
            "from": moment_parameter("from", created_from),
        }

    @get("/api/orders/{session_id:str}", opt=requires(AccessScope.TIMELINES_READ))
    async def read_order(session_id: SessionIdPath) -> dict[str, str]:
        """Read an order."""
        return {"sessionId": session_id}

    @get("/api/whoami")
    async def whoami(request: AnyRequest) -> dict[str, str | None]:
        principal = request.scope["state"]["principal"]
        return {"label": principal.label if principal else None}

    @post("/api/hooks/{provider:str}", opt={PUBLIC: True, UNLIMITED: True}, status_code=200)
    async def receive(provider: FromPath[str], body: RawBody) -> dict[str, int]:
        return {"bytes": len(body)}

    @get("/api/fail")
    async def fail() -> None:
        assert seen.fail_with is not None
        raise seen.fail_with

    app = Litestar(
        route_handlers=[create_order, list_orders, read_order, whoami, receive, fail],
        plugins=web_layer(settings, clock, Readiness(database, DOCUMENTS, clock)),
    )
    return put_edge_around(app, settings)


class Teapot(TillgateError):
    """An error that no status is known for."""

    code = "teapot"
