"""Mail over HTTP: what was sent, templates, suppressed addresses; and the page to unsubscribe."""

from typing import Annotated

from litestar import Controller, Response, delete, get, post, put
from litestar.params import JSONBody, PathParameter, QueryParameter

from service.core.errors import InvalidInput
from service.core.paging import cursor_of, next_cursor
from service.core.principal import AccessScope, Principal
from service.notifications.mail.documents import MailTemplate
from service.notifications.mail.operations.browse import list_mails, read_mail, resend
from service.notifications.mail.operations.compose import merchant_of
from service.notifications.mail.operations.own_templates import (
    drop_template,
    own_of,
    premade,
    preview,
    put_template,
    read_template,
)
from service.notifications.mail.operations.services import MailServices
from service.notifications.mail.operations.suppressing import (
    lift_suppression,
    list_suppressions,
    note_bounce,
)
from service.notifications.mail.operations.unsubscribe import (
    PATH,
    Leaving,
    read_link,
    unsubscribe,
)
from service.notifications.mail.operations.words import language
from service.notifications.mail.schemas import (
    LiftSuppression,
    MailAnswer,
    MailPreviewAnswer,
    MailsAnswer,
    MailTemplateAnswer,
    MailTemplatesAnswer,
    NoteBounce,
    PutMailTemplate,
    SuppressionAnswer,
    SuppressionsAnswer,
    mail_view,
    preview_answer,
    suppression_view,
    template_view,
)
from service.notifications.mail.states import TEMPLATES, MailStatus
from service.web.authentication import (
    PUBLIC,
    AnyRequest,
    CurrentPrincipal,
    on_behalf_of,
    requires,
)
from service.web.logs.clients import client_of
from service.web.pages.assets import Assets
from service.web.pages.rendering import Pages
from service.web.parameters import PAGE_SIZE, MerchantQuery, PageCursor, PageLimit

PAGES = Pages(Assets("service.notifications.mail", "/mail/assets"))

MailPath = Annotated[str, PathParameter(max_length=100, description="The mail's id.")]
NamePath = Annotated[
    str,
    PathParameter(
        max_length=100,
        description="The template's name.",
        schema_extra={"examples": ["completed"]},
    ),
]
Token = Annotated[str, QueryParameter(name="t", max_length=1000)]

_WRITES = requires(AccessScope.MAIL_WRITE)


def mailing_of(request: AnyRequest) -> MailServices:
    """Return what all that mail shares, from the application's state."""
    services: MailServices = request.app.state.mail
    return services


class AdminMail(Controller):
    """Mail as it waits and was sent."""

    path = "/api/admin/mail"
    tags = ["Mail"]
    opt = requires(AccessScope.MAIL_READ)

    @get("/", operation_id="listMails", summary="List mails")
    async def mails(
        self,
        principal: CurrentPrincipal,
        status: Annotated[MailStatus | None, QueryParameter(name="status")] = None,
        merchant: MerchantQuery = None,
        limit: PageLimit = PAGE_SIZE,
        cursor: PageCursor = None,
    ) -> MailsAnswer:
        """Newest first, with masked addresses. Operators may name another merchant."""
        whose = on_behalf_of(principal, merchant).merchant_id
        place = cursor_of(cursor)
        found, following = await list_mails(whose, status, cursor=place, limit=limit)
        views = [mail_view(one) for one in found]
        return MailsAnswer(views, next_cursor(following))

    @post(
        "/{mail_id:str}/resend",
        opt=_WRITES,
        status_code=200,
        operation_id="resendMail",
        summary="Send a mail again",
    )
    async def again(
        self, mail_id: MailPath, principal: CurrentPrincipal, request: AnyRequest
    ) -> MailAnswer:
        """Once more, whatever became of it; 409 while it waits or is being sent."""
        found = await read_mail(mail_id, whose_mail(principal))
        by = on_behalf_of(principal, found.merchant_id)
        return MailAnswer(mail_view(await resend(found, by, mailing_of(request))))


class AdminMailTemplates(Controller):
    """A merchant's own words in its mails."""

    path = "/api/admin/mail/templates"
    tags = ["Mail"]
    opt = requires(AccessScope.MAIL_READ)

    @get("/", operation_id="listMailTemplates", summary="List the mail templates")
    async def templates(
        self, principal: CurrentPrincipal, request: AnyRequest
    ) -> MailTemplatesAnswer:
        """All of them, as they are sent."""
        views = [await _shown(name, principal, request) for name in TEMPLATES]
        return MailTemplatesAnswer([one.template for one in views])

    @get("/{name:str}", operation_id="readMailTemplate", summary="Read a mail template")
    async def read(
        self, name: NamePath, principal: CurrentPrincipal, request: AnyRequest
    ) -> MailTemplateAnswer:
        """The merchant's own, else the premade one, which one's own may begin with."""
        return await _shown(name, principal, request)

    @put("/{name:str}", opt=_WRITES, operation_id="setMailTemplate", summary="Set a mail template")
    async def set(
        self,
        name: NamePath,
        data: JSONBody[PutMailTemplate],
        principal: CurrentPrincipal,
        request: AnyRequest,
    ) -> MailTemplateAnswer:
        """Kept once it can be filled in. It says values, with `if`, `for` and some filters."""
        await put_template(name, data.parts(), principal, mailing_of(request))
        return await _shown(name, principal, request)

    @delete(
        "/{name:str}",
        opt=_WRITES,
        status_code=200,
        operation_id="resetMailTemplate",
        summary="Reset a mail template",
    )
    async def reset(
        self, name: NamePath, principal: CurrentPrincipal, request: AnyRequest
    ) -> MailTemplateAnswer:
        """It is as premade again."""
        await drop_template(name, principal, mailing_of(request))
        return await _shown(name, principal, request)

    @post(
        "/{name:str}/preview", status_code=200, operation_id="previewMail", summary="Preview a mail"
    )
    async def preview(
        self,
        name: NamePath,
        principal: CurrentPrincipal,
        request: AnyRequest,
        data: JSONBody[PutMailTemplate | None] = None,
    ) -> MailPreviewAnswer:
        """Filled in with examples: the template that is sent, else as it would be kept."""
        services = mailing_of(request)
        own: MailTemplate | None = None
        if data is not None:
            own = own_of(name, data.parts(), principal, services)
        return preview_answer(await preview(name, principal.merchant_id, services, own))


class AdminSuppressions(Controller):
    """Addresses that get receipts alone."""

    path = "/api/admin/mail/suppressions"
    tags = ["Mail"]
    opt = requires(AccessScope.MAIL_READ)

    @get("/", operation_id="listSuppressions", summary="List suppressed addresses")
    async def suppressions(
        self, principal: CurrentPrincipal, limit: PageLimit = PAGE_SIZE, cursor: PageCursor = None
    ) -> SuppressionsAnswer:
        """Newest first, masked: who unsubscribed, was refused, or sent a mail back."""
        place = cursor_of(cursor)
        found, following = await list_suppressions(principal.merchant_id, cursor=place, limit=limit)
        views = [suppression_view(one) for one in found]
        return SuppressionsAnswer(views, next_cursor(following))

    @post("/", opt=_WRITES, operation_id="noteBounce", summary="Tell of a bounce")
    async def bounced(
        self, data: JSONBody[NoteBounce], principal: CurrentPrincipal, request: AnyRequest
    ) -> SuppressionAnswer:
        """The address gets receipts alone for 180 days: whoever reads the sender's mail says so."""
        found = await note_bounce(data.email, data.says, principal, mailing_of(request))
        return SuppressionAnswer(suppression_view(found))

    @post(
        "/lift",
        opt=_WRITES,
        status_code=204,
        operation_id="liftSuppression",
        summary="Write to an address again",
    )
    async def lift(
        self, data: JSONBody[LiftSuppression], principal: CurrentPrincipal, request: AnyRequest
    ) -> None:
        """Whatever the reason was; 404 for an address that is not suppressed."""
        await lift_suppression(data.email, principal, mailing_of(request))


class Unsubscribing(Controller):
    """The page that a mail's link leads to, and what its button and a mail program post."""

    path = PATH
    opt = {PUBLIC: True}
    include_in_schema = False

    @get("/")
    async def ask(self, request: AnyRequest, t: Token = "") -> Response[str]:
        """Show a button: programs that check mail follow links, and must change nothing."""
        return await _page(request, t, done=False)

    @post("/", status_code=200)
    async def do(self, request: AnyRequest, t: Token = "") -> Response[str]:
        """Unsubscribe, by the button or by one click in a mail program (RFC 8058)."""
        return await _page(request, t, done=True)


async def _page(request: AnyRequest, token: str, *, done: bool) -> Response[str]:
    services = mailing_of(request)
    try:
        leaving = read_link(token, services)
    except InvalidInput:
        said = language("en").unsubscribing
        values = {"lang": "en", "title": said["wrong_title"], "says": said["wrong"]}
        return PAGES.show(
            "unsubscribe.html", status_code=400, merchant="Tillgate", button="", **values
        )
    if done:
        await unsubscribe(leaving, services, client_of(request.scope))
    return await _filled(leaving, services, done=done)


async def _filled(leaving: Leaving, services: MailServices, *, done: bool) -> Response[str]:
    merchant = await merchant_of(leaving.merchant_id, services)
    said = language(merchant.language).unsubscribing
    says = said["done" if done else "ask"]
    return PAGES.show(
        "unsubscribe.html",
        lang=merchant.language,
        title=said["done_title" if done else "title"],
        says=says.replace("{address}", leaving.masked).replace("{merchant}", merchant.name),
        merchant=merchant.name,
        button="" if done else said["button"],
    )


async def _shown(name: str, principal: Principal, request: AnyRequest) -> MailTemplateAnswer:
    whose = principal.merchant_id
    made = await premade(name, whose, mailing_of(request))
    return MailTemplateAnswer(template_view(made, await read_template(name, whose)))


def whose_mail(principal: Principal) -> str | None:
    """Return the merchant whose mail a caller has sent again; None: that of all."""
    return None if AccessScope.OPERATOR in principal.scopes else principal.merchant_id
