"""Sessions over HTTP: each handler translates and calls one operation."""

from typing import Annotated

from litestar import Controller, Response, get, post, route
from litestar.params import JSONBody, QueryParameter

from service.core.errors import Unauthenticated
from service.core.paging import cursor_of, next_cursor
from service.core.principal import AccessScope
from service.sessions.checkouts.begin import begin_checkout, resume_checkout
from service.sessions.checkouts.cancel import cancel_session
from service.sessions.checkouts.services import CheckoutServices
from service.sessions.checkouts.verify import subscription_begun, verify
from service.sessions.errors import wrong_field
from service.sessions.operations.caller import Caller
from service.sessions.operations.changing.change_session import change_session
from service.sessions.operations.find_session import (
    Listed,
    find_latest_checkout,
    list_sessions,
    read_session,
    sweep_sessions,
)
from service.sessions.operations.opening.open_session import Opened, open_session
from service.sessions.schemas.answers import (
    CheckoutAnswer,
    OpenedAnswer,
    SessionAnswer,
    SessionsAnswer,
    VerifiedAnswer,
    checkout_answer,
    listed_view,
    session_view,
    verified,
)
from service.sessions.schemas.requests import (
    ChangeSession,
    CreateCheckout,
    CreateCheckoutSession,
    CreatePaymentSession,
    VerifyCheckout,
)
from service.sessions.states import Status
from service.web.authentication import PROVEN, AnyRequest, actor_of, principal_of, requires
from service.web.docs.marks import ALSO_ANSWERS, NAMED, OLDER
from service.web.idempotency.middleware import IDEMPOTENT
from service.web.parameters import (
    PAGE_SIZE,
    OneUserQuery,
    PageCursor,
    PageLimit,
    ProviderQuery,
    SessionIdPath,
    UpdatedSinceQuery,
    UserQuery,
    moment_parameter,
)
from service.web.requests import header_of
from service.web.short_way import SHORT, Answer

_OPENERS = {**requires(AccessScope.SESSIONS_WRITE), PROVEN: True}
_READERS = {**requires(AccessScope.SESSIONS_READ), PROVEN: True}


def caller_of(request: AnyRequest, *, acts: bool = False) -> Caller:
    """Return the caller with the proof that it sent: X-Client-Secret, from a browser.

    `acts`: where the call comes from may be kept, with what it opens or in the trail.
    """
    principal = actor_of(request.scope) if acts else principal_of(request.scope)
    if principal is None:
        raise Unauthenticated("This takes a key or a user's token.")
    secret = header_of(request.scope, b"x-client-secret")
    return Caller(principal, secret, request.scope["state"].get("idempotency_seed"))


def services_of(request: AnyRequest) -> CheckoutServices:
    """Return what all handlers of sessions share.

    From the application's state and not by injection: with several dependencies the framework
    runs a task for each, which costs as much as all the rest of reading a session.
    """
    services: CheckoutServices = request.app.state.services
    return services


class PaymentSessions(Controller):
    """Payment sessions: opened, read, listed, changed."""

    path = "/api/payment-sessions"
    tags = ["Sessions"]

    @post(
        "/",
        opt={**_OPENERS, IDEMPOTENT: True, SHORT: True, ALSO_ANSWERS: 200},
        operation_id="openPaymentSession",
        summary="Open a payment session",
    )
    async def create(
        self, data: JSONBody[CreatePaymentSession], request: AnyRequest
    ) -> Response[OpenedAnswer]:
        """201 with the session and its client secret; 200 where the same body came before."""
        caller, services = caller_of(request, acts=True), services_of(request)
        new = data.to_new(caller.principal.user_id)
        rules = await services.rules_of(caller.principal.merchant_id)
        opened = await open_session(new, caller, rules, services.clock.now())
        return _opened(opened, caller, services)

    @get("/", opt=_READERS, operation_id="listSessions", summary="Read a session, or list sessions")
    async def read(
        self,
        request: AnyRequest,
        session_id: Annotated[str | None, QueryParameter(name="sessionId", max_length=255)] = None,
        user_id: UserQuery = None,
        status: Annotated[Status | None, QueryParameter(name="status")] = None,
        email: Annotated[str | None, QueryParameter(name="email", max_length=254)] = None,
        event_id: Annotated[str | None, QueryParameter(name="eventId", max_length=255)] = None,
        plan: Annotated[str | None, QueryParameter(name="plan", max_length=255)] = None,
        provider: ProviderQuery = None,
        updated_since: UpdatedSinceQuery = None,
        has_checkout: Annotated[bool | None, QueryParameter(name="hasCheckout")] = None,
        limit: PageLimit = PAGE_SIZE,
        cursor: PageCursor = None,
    ) -> SessionAnswer | SessionsAnswer:
        """With `sessionId` one session, else a page of them: a user's, or for servers all.

        With `updatedSince` those that were changed since, the oldest change first, up to five
        seconds ago; `nextUpdatedSince` is where the next sweep begins.
        """
        caller, services = caller_of(request), services_of(request)
        now = services.clock.now()
        blank = Listed(merchant_id=caller.principal.merchant_id, now=now)
        wanted = Listed(
            merchant_id=blank.merchant_id,
            now=now,
            user_id=user_id,
            status=status,
            email=email,
            event_id=event_id,
            plan=plan,
            provider=provider,
            has_checkout=has_checkout,
        )
        if session_id is None:
            return await _listed(wanted, updated_since, caller, cursor, limit)
        if wanted != blank or cursor is not None or updated_since is not None:
            raise wrong_field("sessionId", "can't be combined with a list's parameters")
        session = await read_session(session_id, caller)
        return SessionAnswer(session_view(session, caller, now))

    @get(
        "/{session_id:str}",
        opt={**_READERS, SHORT: True},
        operation_id="readSession",
        summary="Read a session",
    )
    async def read_one(self, session_id: SessionIdPath, request: AnyRequest) -> SessionAnswer:
        """404 also where the caller may not know of it."""
        caller, services = caller_of(request), services_of(request)
        session = await read_session(session_id, caller)
        return SessionAnswer(session_view(session, caller, services.clock.now()))

    @route(
        "/",
        http_method=["PUT", "PATCH"],
        opt={**_OPENERS, NAMED: "changeSession", OLDER: ("PUT",)},
        status_code=200,
        summary="Change a session",
    )
    async def change(self, data: JSONBody[ChangeSession], request: AnyRequest) -> SessionAnswer:
        """Merge metadata, cancel, or complete by hand with a secret key."""
        return await _change(data, caller_of(request, acts=True), services_of(request))


_CHECKOUT_SESSIONS = ["/api/checkout-sessions", "/api/payments/checkout-session"]
_CREATE_CHECKOUT = ["/api/payments/create-checkout", "/api/payment/create-checkout-session"]
# The first of them is the one that is meant; the older one stays for callers of before.
_OLDER = _CHECKOUT_SESSIONS[1:]
_OPENS = {**_OPENERS, IDEMPOTENT: True, ALSO_ANSWERS: 200}


class CheckoutSessions(Controller):
    """Checkout sessions: one open one per user, plan and provider."""

    tags = ["Sessions"]

    @post(
        _CHECKOUT_SESSIONS,
        opt={**_OPENS, SHORT: True, NAMED: "openCheckoutSession", OLDER: _OLDER},
        summary="Get or create the open session",
    )
    async def create(
        self, data: JSONBody[CreateCheckoutSession], request: AnyRequest
    ) -> Response[OpenedAnswer]:
        """201 for a new one; 200 for the one that is open, at the price it was opened for."""
        caller, services = caller_of(request, acts=True), services_of(request)
        new = data.to_new(caller.principal.user_id)
        rules = await services.rules_of(caller.principal.merchant_id)
        opened = await open_session(new, caller, rules, services.clock.now())
        return _opened(opened, caller, services)

    @get(
        _CHECKOUT_SESSIONS,
        opt={**_READERS, NAMED: "readLatestSession", OLDER: _OLDER},
        summary="Read a user's latest session",
    )
    async def latest(self, request: AnyRequest, user_id: OneUserQuery = None) -> SessionAnswer:
        """404 where there is none that the caller may know of."""
        caller, services = caller_of(request), services_of(request)
        user_id = user_id or caller.principal.user_id
        if user_id is None:
            raise wrong_field("userId", "is required")
        session = await find_latest_checkout(user_id, caller)
        return SessionAnswer(session_view(session, caller, services.clock.now()))

    @route(
        _CHECKOUT_SESSIONS,
        http_method=["PATCH", "PUT"],
        opt={**_OPENERS, NAMED: "changeCheckoutSession", OLDER: ["PUT", *_OLDER]},
        status_code=200,
        summary="Change a session",
    )
    async def change(self, data: JSONBody[ChangeSession], request: AnyRequest) -> SessionAnswer:
        """Merge metadata, cancel, or complete by hand with a secret key."""
        return await _change(data, caller_of(request, acts=True), services_of(request))

    @post(
        _CREATE_CHECKOUT,
        opt={**_OPENS, NAMED: "createCheckout", OLDER: _CREATE_CHECKOUT[1:]},
        summary="Open a session and its checkout at the provider",
    )
    async def create_checkout(
        self, data: JSONBody[CreateCheckout], request: AnyRequest
    ) -> Response[CheckoutAnswer]:
        """Return the address to send the customer to; a repeated call gives the same one."""
        caller, services = caller_of(request, acts=True), services_of(request)
        resumed = data.resumed()
        if resumed is not None:
            opened = await resume_checkout(resumed, caller, services)
        else:
            opened = await begin_checkout(data.to_new(caller.principal.user_id), caller, services)
        answer = checkout_answer(opened, services.rules.known_client_secret(opened.session))
        return Response(answer, status_code=201 if opened.created else 200)


class Verification(Controller):
    """Asking the provider instead of waiting for it."""

    tags = ["Sessions"]

    @post(
        "/api/payment/verify-checkout-session",
        opt={**requires(AccessScope.SESSIONS_WRITE), PROVEN: True},
        status_code=200,
        operation_id="verifySession",
        summary="Ask the provider how a session stands",
    )
    async def verify(self, data: JSONBody[VerifyCheckout], request: AnyRequest) -> VerifiedAnswer:
        """The answer goes through the inbox, as a webhook would."""
        caller, services = caller_of(request), services_of(request)
        session = await verify(data.session_id, data.to_callback(), caller, services)
        began = await subscription_begun(session, request.app.state.subscribing)
        return verified(session, began, caller, services.clock.now())


async def _listed(
    wanted: Listed, updated_since: str | None, caller: Caller, cursor: str | None, limit: int
) -> SessionsAnswer:
    place = cursor_of(cursor)
    since = moment_parameter("updatedSince", updated_since)
    if since is not None:
        swept = await sweep_sessions(wanted, since, caller, cursor=place, limit=limit)
        views = [listed_view(session, wanted.now) for session in swept.found]
        return SessionsAnswer(views, next_cursor(swept.following), swept.until)
    sessions, following = await list_sessions(wanted, caller, cursor=place, limit=limit)
    views = [listed_view(session, wanted.now) for session in sessions]
    return SessionsAnswer(views, next_cursor(following))


def _opened(opened: Opened, caller: Caller, services: CheckoutServices) -> Response[OpenedAnswer]:
    view = session_view(opened.session, caller, services.clock.now())
    return Answer(
        OpenedAnswer(view, opened.client_secret),
        status_code=201 if opened.created else 200,
        headers={} if opened.created else {"Idempotent-Replayed": "true"},
    )


async def _change(data: ChangeSession, caller: Caller, services: CheckoutServices) -> SessionAnswer:
    if data.status is Status.CANCELED:
        session = await cancel_session(data.to_change(), caller, services)
    else:
        session = await change_session(
            data.to_change(), caller, services.rules, services.clock.now()
        )
    return SessionAnswer(session_view(session, caller, services.clock.now()))
