"""The page of figures over HTTP."""

from litestar import Controller, get
from litestar.di import Provide

from service.analytics.controllers.answering import CurrencyQuery, services_of
from service.analytics.errors import NoSuchCurrency
from service.analytics.operations.services import shown_as
from service.core.principal import AccessScope
from service.dashboard.acting import Answer, Sheet, TheDesk, filled, page, provide_desk
from service.dashboard.figures.lines import as_of, page_of
from service.dashboard.figures.reading import DAYS, UNUSUAL_DAYS, seen_of
from service.web.authentication import AnyRequest

HERE = "/dashboard/figures"
READ = frozenset({AccessScope.ANALYTICS_READ})


class FiguresPages(Controller):
    """How a merchant does: today, this week, this month, and the last days."""

    path = HERE
    dependencies = {"desk": Provide(provide_desk, sync_to_thread=False)}

    @get("/")
    async def show(
        self, request: AnyRequest, desk: TheDesk, currency: CurrencyQuery = None
    ) -> Answer:
        """Show the figures in one currency: the merchant's own unless one is named."""

        async def show(sheet: Sheet) -> Answer:
            whose = sheet.reader.merchant_id
            shown = await shown_as(services_of(request), whose, None, currency)
            try:
                seen = await seen_of(shown)
            except NoSuchCurrency as error:
                told = {"why": error.message, "start": HERE, "called": "Figures"}
                return filled(sheet, "unanswered.html", status_code=404, **told)
            return filled(
                sheet,
                "figures.html",
                shown=shown,
                as_of=as_of(shown),
                page=page_of(shown, seen),
                currencies=seen.currencies,
                days=DAYS,
                unusual_days=UNUSUAL_DAYS,
            )

        return await page(request, desk, READ, show)
