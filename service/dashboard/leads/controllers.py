"""The page of leads: what was wanted, by whom, and how far it came."""

from typing import Annotated

from litestar import Controller, get
from litestar.di import Provide
from litestar.params import QueryParameter
from msgspec import Struct

from service.core.errors import InvalidInput
from service.core.money import exponent, to_major
from service.core.paging import cursor_of, next_cursor
from service.core.principal import AccessScope
from service.core.words import moment
from service.dashboard.acting import Answer, Sheet, TheDesk, filled, page, provide_desk
from service.dashboard.money import facts, session_link
from service.intents.controllers.sharing import services_of
from service.intents.operations.analytics import Analytics, Steps, analyze
from service.intents.operations.browse import Place, Wanted, filter_of, list_intents
from service.notifications.mail.operations.addresses import masked
from service.storage.database import Row
from service.web.authentication import AnyRequest
from service.web.parameters import PAGE_SIZE, PageCursor

HERE = "/dashboard/leads"
READ = frozenset({AccessScope.INTENTS_READ})
DAYS = 30

PlanQuery = Annotated[str, QueryParameter(name="plan", max_length=255)]


class LeadLine(Struct, frozen=True):
    """A lead as the page shows it: its address is masked."""

    title: str
    more: list[tuple[str, str]]
    sessions: list[tuple[str, str | None]]


class LeadPages(Controller):
    """What somebody said they would buy, and what became of that."""

    path = HERE
    dependencies = {"desk": Provide(provide_desk, sync_to_thread=False)}

    @get("/")
    async def show(
        self, request: AnyRequest, desk: TheDesk, plan: PlanQuery = "", cursor: PageCursor = None
    ) -> Answer:
        """List the leads of the last days, newest first, of one plan where that is named."""

        async def show(sheet: Sheet) -> Answer:
            whose, services = sheet.reader.merchant_id, services_of(request)
            wanted = Wanted(days_back=DAYS, plan_name=plan or None)
            found = await filter_of(wanted, whose, services)
            listed = await list_intents(found, Place(PAGE_SIZE, cursor=cursor_of(cursor)))
            zone = (await services.merchants.of(whose)).zone
            try:
                figures, too_many = _figures(await analyze(found, zone, None, services)), ""
            except InvalidInput as error:
                figures, too_many = [], error.message
            return filled(
                sheet,
                "leads.html",
                lines=[_line(row) for row in listed.rows],
                figures=figures,
                too_many=too_many,
                days=DAYS,
                plan=plan,
                older=next_cursor(listed.following),
            )

        return await page(request, desk, READ, show)


def _line(row: Row) -> LeadLine:
    email, agent = row["userEmail"], row["agent"] or {}
    device = ", ".join(one for one in (agent.get("browser"), agent.get("os")) if one)
    return LeadLine(
        title=f"{row['planName']}, {row['amount']} {row['currency']}",
        more=facts(
            [
                ("Left", moment(row["createdAt"])),
                ("By", masked(email) if email else None),
                ("With", device),
                ("Said", row["feedback"]),
                ("Journey", row["sessionId"]),
                ("Agreed to mail", "yes" if row["mailConsent"] else None),
            ]
        ),
        sessions=[(one, session_link(one)) for one in row["followedBy"]],
    )


def _figures(found: Analytics) -> list[tuple[str, str]]:
    asked = found.asked
    amount = to_major(asked.amount, exponent(asked.currency))
    plans = [("Plan", f"{one.plan_name}: {_funnel(one.steps)}") for one in found.plans]
    return facts(
        [
            ("All", _funnel(found.funnel)),
            ("Journeys", asked.journeys),
            ("Asked for", f"{amount} {asked.currency}, which nobody has paid"),
            *plans,
        ]
    )


def _funnel(steps: Steps) -> str:
    return (
        f"{steps.intents} left, {steps.sessions} with a session, "
        f"{steps.attempted} tried to pay, {steps.paid} paid"
    )
