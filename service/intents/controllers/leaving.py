"""Leads as browsers and servers leave them."""

from litestar import Controller, Response, post
from litestar.params import JSONBody
from litestar.types import Scope

from service.core.errors import Unauthenticated
from service.core.ids import SESSION_ID
from service.core.principal import AccessScope
from service.intents.controllers.sharing import PATH, TAGS, services_of
from service.intents.operations.leave import leave_intent
from service.intents.operations.services import IntentServices
from service.intents.schemas.answers import (
    LeftAnswer,
    left_answer,
)
from service.intents.schemas.requests import LARGEST_INTENT, LeaveIntent, readable_agent
from service.web.authentication import AnyRequest, principal_of, requires
from service.web.bodies import BODY_UP_TO
from service.web.forms import read_cookies
from service.web.idempotency.middleware import IDEMPOTENT
from service.web.limits.addresses import Addresses
from service.web.logs.clients import client_of
from service.web.requests import header_of
from service.web.short_way import SHORT, Answer

JOURNEY = "tillgate_journey"
"""The cookie that names a journey, on pages of the service's own origin alone."""


class Intents(Controller):
    """Leads: what somebody said they would buy."""

    path = PATH
    tags = TAGS

    @post(
        "/",
        opt={
            **requires(AccessScope.INTENTS_WRITE),
            BODY_UP_TO: LARGEST_INTENT,
            IDEMPOTENT: True,
            SHORT: True,
        },
        operation_id="leaveLead",
        summary="Leave a lead",
    )
    async def leave(self, data: JSONBody[LeaveIntent], request: AnyRequest) -> Response[LeftAnswer]:
        """Return the lead's id, for `intentId` of the session that follows, and its journey's."""
        principal = principal_of(request.scope)
        if principal is None:
            raise Unauthenticated("This takes a key or a user's token.")
        services, own = services_of(request), _is_own_page(request)
        carried = _journey(request.scope) if own else None
        new = data.to_new(await request.body(), **_around(request), session_id=carried)
        left = await leave_intent(new, principal.merchant_id, services)
        headers = _cookie(left.session_id, services) if own and left.session_id != carried else {}
        return Answer(left_answer(left, new), status_code=201, headers=headers)


def _around(request: AnyRequest) -> dict[str, str | None]:
    """Return what a request says of its sender besides its body."""
    agent = header_of(request.scope, b"user-agent")
    return {
        "user_agent": readable_agent(agent) if agent else None,
        "client": client_of(request.scope),
        "address": _address(request),
    }


def _address(request: AnyRequest) -> str | None:
    if not services_of(request).keep_addresses:
        return None
    addresses: Addresses = request.app.state.addresses
    return addresses.of(request.scope)


def _is_own_page(request: AnyRequest) -> bool:
    """Return whether a browser sends this from a page of the service's own origin."""
    if (site := header_of(request.scope, b"sec-fetch-site")) is not None:
        return site == "same-origin"
    return header_of(request.scope, b"origin") == services_of(request).origin


def _journey(scope: Scope) -> str | None:
    carried = read_cookies(scope["headers"]).get(JOURNEY, "")
    return carried if SESSION_ID.fullmatch(carried) else None


def _cookie(session_id: str, services: IntentServices) -> dict[str, str]:
    """Return the header that lets a browser keep a journey until it is closed."""
    secure = "; Secure" if services.origin.startswith("https:") else ""
    cookie = f"{JOURNEY}={session_id}; Path={PATH}; HttpOnly; SameSite=Strict{secure}"
    return {"set-cookie": cookie}
