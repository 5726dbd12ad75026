"""The merchants over HTTP: each reads and sets its own, an operator any."""

from typing import Annotated

from litestar import Controller, Response, get, post, put
from litestar.di import NamedDependency
from litestar.params import JSONBody, PathParameter, SkipValidation

from service.core.errors import FieldProblem, InvalidInput
from service.core.ids import MERCHANT_ID
from service.core.paging import cursor_of, next_cursor
from service.core.principal import AccessScope
from service.merchants.errors import MerchantNotFound, SenderRefused
from service.merchants.operations.changing import (
    find_merchant,
    list_merchants,
    put_merchant,
    resume_merchant,
    suspend_merchant,
)
from service.merchants.operations.merchants import Merchants
from service.merchants.schemas import (
    MerchantAnswer,
    MerchantsAnswer,
    PutMerchant,
    ResumeMerchant,
    SuspendMerchant,
    merchant_view,
    new_merchant,
)
from service.web.authentication import CurrentPrincipal, on_behalf_of, requires
from service.web.docs.marks import ALSO_ANSWERS
from service.web.parameters import PAGE_SIZE, PageCursor, PageLimit

TheMerchants = NamedDependency[SkipValidation[Merchants]]
MerchantPath = Annotated[
    str,
    PathParameter(
        max_length=100, description="The merchant's id.", schema_extra={"examples": ["shop-2"]}
    ),
]

_OPERATES = requires(AccessScope.MERCHANTS_WRITE, AccessScope.OPERATOR)


class AdminMerchants(Controller):
    """The merchants, who own keys, prices and sessions."""

    path = "/api/admin/merchants"
    tags = ["Admin"]
    opt = requires(AccessScope.MERCHANTS_READ)

    @get(
        "/",
        opt=requires(AccessScope.MERCHANTS_READ, AccessScope.OPERATOR),
        operation_id="listMerchants",
        summary="List the merchants",
    )
    async def merchants(
        self, limit: PageLimit = PAGE_SIZE, cursor: PageCursor = None
    ) -> MerchantsAnswer:
        """All of them, newest first; for operators."""
        place = cursor_of(cursor)
        found, following = await list_merchants(cursor=place, limit=limit)
        views = [merchant_view(merchant) for merchant in found]
        return MerchantsAnswer(views, next_cursor(following))

    @get("/{merchant_id:str}", operation_id="readMerchant", summary="Read a merchant")
    async def read(
        self, merchant_id: MerchantPath, principal: CurrentPrincipal, merchants: TheMerchants
    ) -> MerchantAnswer:
        """The key's own merchant; operators read any."""
        on_behalf_of(principal, merchant_id)
        found = await find_merchant(merchant_id, merchants.clock.now())
        return MerchantAnswer(merchant_view(found))

    @put(
        "/{merchant_id:str}",
        opt={**requires(AccessScope.MERCHANTS_WRITE), ALSO_ANSWERS: 201},
        operation_id="setMerchant",
        summary="Set a merchant",
    )
    async def set(
        self,
        merchant_id: MerchantPath,
        data: JSONBody[PutMerchant],
        principal: CurrentPrincipal,
        merchants: TheMerchants,
    ) -> Response[MerchantAnswer]:
        """The key's own merchant; operators set any, and add one that does not exist yet (201).

        Fields that are left out are reset, but for `mailSender` where the caller is no operator:
        only operators set it, since mail goes out by their server. It applies to what is opened
        from now on; other processes notice within five seconds.
        """
        by = on_behalf_of(principal, merchant_id)
        _check_id(merchant_id)
        if AccessScope.OPERATOR not in principal.scopes:
            data = await _with_its_sender(data, merchant_id, merchants)
        new = new_merchant(merchant_id, data, merchants.clock.now())
        found, added = await put_merchant(merchants, new, data.whole(), by)
        return Response(MerchantAnswer(merchant_view(found)), status_code=201 if added else 200)

    @post(
        "/{merchant_id:str}/suspend",
        opt=_OPERATES,
        status_code=200,
        operation_id="suspendMerchant",
        summary="Suspend a merchant",
    )
    async def suspend(
        self,
        merchant_id: MerchantPath,
        data: JSONBody[SuspendMerchant],
        principal: CurrentPrincipal,
        merchants: TheMerchants,
    ) -> MerchantAnswer:
        """Its keys and tokens are refused from now on; other processes notice within five seconds.

        Verified payments are still recorded. For operators; a suspended merchant stays as it is.
        """
        by = on_behalf_of(principal, merchant_id)
        changed = await suspend_merchant(merchants, merchant_id, data.reason, by)
        return MerchantAnswer(merchant_view(changed))

    @post(
        "/{merchant_id:str}/resume",
        opt=_OPERATES,
        status_code=200,
        operation_id="resumeMerchant",
        summary="Resume a merchant",
    )
    async def resume(
        self,
        merchant_id: MerchantPath,
        principal: CurrentPrincipal,
        merchants: TheMerchants,
        data: JSONBody[ResumeMerchant | None] = None,
    ) -> MerchantAnswer:
        """Its keys and tokens are accepted again. For operators."""
        by = on_behalf_of(principal, merchant_id)
        reason = data.reason if data is not None else None
        changed = await resume_merchant(merchants, merchant_id, reason, by)
        return MerchantAnswer(merchant_view(changed))


async def _with_its_sender(
    data: PutMerchant, merchant_id: str, merchants: Merchants
) -> PutMerchant:
    """Return what is asked for with the sender that the merchant has. Raises `SenderRefused`."""
    try:
        sender = (await find_merchant(merchant_id, merchants.clock.now())).mail_sender
    except MerchantNotFound:
        sender = None
    if data.mail_sender not in {None, sender}:
        raise SenderRefused
    return data.model_copy(update={"mail_sender": sender})


def _check_id(merchant_id: str) -> None:
    if not MERCHANT_ID.fullmatch(merchant_id):
        message = "takes 1 to 40 letters, digits, dashes and underscores"
        problem = FieldProblem("merchant_id", message)
        raise InvalidInput(f"The merchant's id {message}.", problems=(problem,))
