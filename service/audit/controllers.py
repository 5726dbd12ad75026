"""The trail over HTTP."""

from datetime import datetime
from typing import Annotated

from litestar import Controller, get
from litestar.params import QueryParameter
from msgspec import Struct

from service.audit import repository
from service.audit.documents import AuditEntry
from service.core.paging import cursor_of, next_cursor
from service.core.principal import AccessScope, Principal
from service.core.strict_json import JsonObject
from service.core.views import view_of
from service.storage.answering import answers_in_time
from service.web.authentication import CurrentPrincipal, on_behalf_of, requires
from service.web.parameters import PAGE_SIZE, MerchantQuery, PageCursor, PageLimit, moment_parameter

# Why an operator did so is not for the merchant in whose trail it stands: it may investigate.
_OPERATORS_OWN = frozenset({"merchant.suspended", "merchant.resumed"})


class AuditEntryView(Struct, frozen=True, rename="camel"):
    """One entry of the trail."""

    at: datetime
    actor: str
    client: str | None
    action: str
    object: str
    reason: str | None
    detail: JsonObject


class EntriesAnswer(Struct, frozen=True, rename="camel"):
    """A page of the trail, newest first."""

    entries: list[AuditEntryView]
    next_cursor: str | None


class AuditTrail(Controller):
    """Who did what, when and why."""

    path = "/api/admin/audit"
    tags = ["Admin"]
    opt = requires(AccessScope.AUDIT_READ)

    @get("/", operation_id="listAudit", summary="List what was done by hand")
    async def entries(
        self,
        principal: CurrentPrincipal,
        object_: Annotated[str | None, QueryParameter(name="object", max_length=300)] = None,
        actor: Annotated[str | None, QueryParameter(name="actor", max_length=300)] = None,
        since: Annotated[str | None, QueryParameter(name="from")] = None,
        until: Annotated[str | None, QueryParameter(name="to")] = None,
        merchant: MerchantQuery = None,
        limit: PageLimit = PAGE_SIZE,
        cursor: PageCursor = None,
    ) -> EntriesAnswer:
        """Newest first; `from` is included, `to` is not. Of another merchant: for operators."""
        whose = on_behalf_of(principal, merchant).merchant_id
        between = (moment_parameter("from", since), moment_parameter("to", until))
        place = cursor_of(cursor)
        async with answers_in_time():
            entries, following = await repository.page(
                whose,
                object_=object_,
                actor=actor,
                between=between,
                cursor=place,
                limit=limit,
            )
        views = [_view(entry, principal) for entry in entries]
        return EntriesAnswer(views, next_cursor(following))


def _view(entry: AuditEntry, reader: Principal) -> AuditEntryView:
    if entry.action in _OPERATORS_OWN and AccessScope.OPERATOR not in reader.scopes:
        return view_of(AuditEntryView, entry, reason=None)
    return view_of(AuditEntryView, entry)
