"""Downloads."""

from collections.abc import AsyncIterator
from functools import partial
from typing import Annotated, Any

from litestar import Controller, Response, get
from litestar.di import Provide
from litestar.params import QueryParameter

from service.analytics.controllers.answering import (
    CurrencyQuery,
    EndQuery,
    ShownFigures,
    StartQuery,
    day_or_moment,
    shown_to,
)
from service.analytics.operations.exporting import (
    Format,
    accounting_csv,
    count_accounting,
    count_transactions,
    note_taken,
    transactions_csv,
    transactions_json,
)
from service.analytics.operations.services import Shown
from service.analytics.operations.spans import between
from service.analytics.repository.exports import Wanted
from service.analytics.schemas.exports import ExportFile, ExportHead, ExportPeriod, export_line
from service.core.principal import AccessScope, Principal
from service.web.authentication import CurrentPrincipal, requires
from service.web.downloads import Download, Noted

_TYPES = {"csv": "text/csv", "json": "application/json"}


class FiguresExports(Controller):
    """Files for spreadsheets and accountants; whoever takes one is on the record."""

    tags = ["Figures"]
    path = "/api/v1/analytics/exports"
    dependencies = {"shown": Provide(shown_to)}
    opt = requires(AccessScope.ANALYTICS_READ, AccessScope.PAYMENTS_SEARCH)

    @get("/transactions", operation_id="exportTransactions", summary="Download payments")
    async def transactions(
        self,
        principal: CurrentPrincipal,
        shown: ShownFigures,
        start_date: StartQuery = None,
        end_date: EndQuery = None,
        format_: Annotated[Format, QueryParameter(name="format")] = "csv",
        metadata: Annotated[bool, QueryParameter(name="includeMetadata")] = False,
        currency: CurrencyQuery = None,
    ) -> Response[ExportFile]:
        """By when each was first heard of, newest first; of all currencies, unless one is named."""
        wanted = _wanted(shown, (start_date, end_date), currency)
        count = await count_transactions(wanted, shown)
        noted = partial(note_taken, "payments", wanted, (format_, count), principal, shown)
        if format_ == "csv":
            content = transactions_csv(wanted, metadata=metadata)
            return _file("transactions.csv", content, principal, noted)
        head = ExportHead(
            export_date=shown.as_of, period=ExportPeriod(*wanted.span), transaction_count=count
        )
        content = transactions_json(wanted, head, export_line, metadata=metadata)
        return _file("transactions.json", content, principal, noted)

    @get("/accounting", operation_id="exportAccounting", summary="Download the double entry")
    async def accounting(
        self,
        principal: CurrentPrincipal,
        shown: ShownFigures,
        start_date: StartQuery = None,
        end_date: EndQuery = None,
        currency: CurrencyQuery = None,
    ) -> Response[str]:
        """A row for each line of an entry, oldest first: debit equals credit. Minor units."""
        wanted = _wanted(shown, (start_date, end_date), currency)
        count = await count_accounting(wanted, shown)
        noted = partial(note_taken, "entries", wanted, ("csv", count), principal, shown)
        return _file("accounting.csv", accounting_csv(wanted, shown.zone), principal, noted)


def _wanted(shown: Shown, dates: tuple[str | None, str | None], currency: str | None) -> Wanted:
    start, end = day_or_moment("startDate", dates[0]), day_or_moment("endDate", dates[1])
    return Wanted(shown.merchant.id, between(start, end, shown.as_of, shown.zone), currency)


def _file(
    name: str, content: AsyncIterator[bytes], taker: Principal, noted: Noted
) -> Response[Any]:
    return Download(content, name, _TYPES[name.rpartition(".")[2]], taker, noted)
