"""PhonePe's API: the token, orders and refunds of v2, and the status call of v1."""

from typing import Annotated

from litestar import Controller, HttpMethod, get, post, route
from litestar.di import Provide
from litestar.exceptions import ValidationException
from litestar.params import FromPath, QueryParameter, RawBody
from litestar.types import ExceptionHandlersMap

from service.core.errors import TillgateError
from service.core.ids import digest
from service.core.strict_json import JsonObject
from service.providers.phonepe.settings import PhonePeSettings
from service.web.authentication import PUBLIC
from service.web.limits.rate_limits import UNLIMITED
from service.web.requests import AnyRequest
from tillgate_sandbox import repository
from tillgate_sandbox.base import Sandbox, pay_page
from tillgate_sandbox.documents import SandboxCheckout
from tillgate_sandbox.phonepe.events import USUAL_MERCHANT
from tillgate_sandbox.phonepe.opening import (
    find_order,
    find_refund,
    find_transaction,
    read_order,
    refund,
)
from tillgate_sandbox.phonepe.refusals import (
    Refusal,
    TheSandbox,
    check_x_verify,
    issue_token,
    misgiven,
    misread,
    provide_played,
    read_object,
    refused,
)
from tillgate_sandbox.phonepe.render import (
    milliseconds,
    order_status,
    phonepe_order_id,
    phonepe_refund_id,
    refund_status,
    transaction_status,
    v1_not_found,
    v1_transaction,
)

_NOT_PLAYED = (
    "payments/v2/pay",
    "payments/v2/order/{order_id:str}/status",
    "payments/v2/transaction/{transaction_id:str}/status",
    "payments/v2/sdk/order",
    "subscriptions/v2/{rest:path}",
)
_OPEN = {PUBLIC: True, UNLIMITED: True}
_ERRORS: ExceptionHandlersMap = {
    Refusal: refused,
    TillgateError: misread,
    ValidationException: misgiven,
}


class PhonePeAccess(Controller):
    """Authentication: the token of v2, and v1, which signs each request."""

    path = "/sandbox/phonepe"
    opt = _OPEN
    include_in_schema = False
    exception_handlers = _ERRORS

    @post("/v1/oauth/token", status_code=200)
    async def token(self, body: RawBody, sandbox: TheSandbox) -> JsonObject:
        """Return a token for client credentials."""
        return issue_token(body, sandbox.settings.of(PhonePeSettings), sandbox.clock.now())

    @get("/pg/v1/status/{merchant_id:str}/{transaction_id:str}")
    async def status(
        self,
        merchant_id: FromPath[str],
        transaction_id: FromPath[str],
        request: AnyRequest,
        sandbox: TheSandbox,
    ) -> JsonObject:
        """Read a transaction (v1)."""
        settings = sandbox.settings.of(PhonePeSettings)
        path = f"/pg/v1/status/{merchant_id}/{transaction_id}"
        check_x_verify(request.headers, path, settings)
        found = await repository.find_checkout(transaction_id)
        if found is None or found.provider != "phonepe" or merchant_id != _merchant(settings):
            return v1_not_found()
        return v1_transaction(found, merchant_id)


class PhonePeCheckout(Controller):
    """Orders and refunds (v2), for callers with a token."""

    path = "/sandbox/phonepe"
    opt = _OPEN
    include_in_schema = False
    dependencies = {"played": Provide(provide_played, sync_to_thread=False)}
    exception_handlers = _ERRORS

    @post("/checkout/v2/pay", status_code=200)
    async def pay(self, body: RawBody, played: TheSandbox) -> JsonObject:
        """Open an order with a page; a used id is refused."""
        order = await _opened(body, played)
        return _pending(order) | {"redirectUrl": pay_page(played.settings, order.page_id)}

    @post("/checkout/v2/sdk/order", status_code=200)
    async def pay_in_app(self, body: RawBody, played: TheSandbox) -> JsonObject:
        """Open an order for an app, which pays it by the token; the page is there as well."""
        order = await _opened(body, played)
        return _pending(order) | {"token": digest(f"in an app:{order.id}")}

    @get("/checkout/v2/order/{order_id:str}/status")
    async def order(
        self,
        order_id: FromPath[str],
        played: TheSandbox,
        details: Annotated[list[bool] | None, QueryParameter(name="details")] = None,
        error_context: Annotated[bool, QueryParameter(name="errorContext")] = False,
    ) -> JsonObject:
        """Read an order, with all its attempts or the latest.

        PhonePe's own library for Node says `details` twice: the first counts.
        """
        return order_status(await find_order(order_id), details=bool(details and details[0]))

    @get("/checkout/v2/transaction/{transaction_id:str}/status")
    async def transaction(self, transaction_id: FromPath[str], played: TheSandbox) -> JsonObject:
        """Read one attempt to pay, with its order."""
        return transaction_status(*await find_transaction(transaction_id))

    @post("/payments/v2/refund", status_code=200)
    async def refund(self, body: RawBody, played: TheSandbox) -> JsonObject:
        """Refund money; PhonePe answers PENDING first, and reports the outcome later."""
        _, made = await refund(read_object(body), played)
        return {"refundId": phonepe_refund_id(made.id), "amount": made.amount, "state": "PENDING"}

    @get("/payments/v2/refund/{refund_id:str}/status")
    async def refund_status(self, refund_id: FromPath[str], played: TheSandbox) -> JsonObject:
        """Read a refund."""
        checkout, made = await find_refund(refund_id)
        return refund_status(checkout, made, _merchant(played.settings.of(PhonePeSettings)))


async def _take_any_query(_: AnyRequest) -> None:
    """Let every query through to the refusal."""


class NotPlayed(Controller):
    """What the official libraries have, and the sandbox does not: own pages and autopay."""

    path = "/sandbox/phonepe"
    opt = _OPEN
    include_in_schema = False
    dependencies = {"played": Provide(provide_played, sync_to_thread=False)}
    exception_handlers = _ERRORS

    @route(
        [f"/{name}" for name in _NOT_PLAYED],
        http_method=[HttpMethod.GET, HttpMethod.POST],
        before_request=_take_any_query,
    )
    async def refuse(self, played: TheSandbox) -> JsonObject:
        """Refuse as PhonePe refuses an address that it does not have."""
        raise Refusal("NOT_FOUND", "Api Mapping Not Found", 404)


ROUTES = (PhonePeAccess, PhonePeCheckout, NotPlayed)


async def _opened(body: bytes, played: Sandbox) -> SandboxCheckout:
    order = read_order(read_object(body), played.clock.now())
    if not await repository.insert_checkout(order):
        raise Refusal("BAD_REQUEST", "An order with this merchantOrderId exists already.")
    return order


def _pending(order: SandboxCheckout) -> JsonObject:
    return {
        "orderId": phonepe_order_id(order.id),
        "state": "PENDING",
        "expireAt": milliseconds(order.expires_at or order.created_at),
    }


def _merchant(settings: PhonePeSettings) -> str:
    return settings.merchant_id or USUAL_MERCHANT
