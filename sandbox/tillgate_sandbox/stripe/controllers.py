"""Stripe's API over HTTP, under /sandbox/stripe: one handler, since its errors are its own."""

from litestar import HttpMethod, Response, route
from litestar.di import NamedDependency
from litestar.params import FromPath, SkipValidation

from service.web.authentication import PUBLIC, AnyRequest
from service.web.limits.rate_limits import UNLIMITED
from tillgate_sandbox.base import Sandbox
from tillgate_sandbox.stripe.wire import Asked, answer

TheSandbox = NamedDependency[SkipValidation[Sandbox]]


async def _take_any_query(_: AnyRequest) -> None:
    """Let Stripe's own parameters through: they are checked by the call that takes them."""


@route(
    "/sandbox/stripe/{rest:path}",
    http_method=[HttpMethod.GET, HttpMethod.POST, HttpMethod.DELETE],
    opt={PUBLIC: True, UNLIMITED: True},
    before_request=_take_any_query,
    include_in_schema=False,
)
async def stripe_wire(
    rest: FromPath[str], request: AnyRequest, sandbox: TheSandbox
) -> Response[bytes]:
    """Answer a call to Stripe."""
    query = request.scope["query_string"]
    asked = Asked(
        method=request.method,
        path=f"/{rest.lstrip('/')}",
        form=await request.body() if request.method == "POST" else query,
        authorization=request.headers.get("authorization"),
        idempotency_key=request.headers.get("idempotency-key"),
    )
    given = await answer(asked, sandbox)
    return Response(given.body, status_code=given.status, headers=given.headers)


ROUTES = (stripe_wire,)
