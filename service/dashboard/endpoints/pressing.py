"""What the buttons of webhook endpoints share: for which merchant, what was asked for and said."""

from collections.abc import Awaitable, Callable
from datetime import datetime

from service.core.paging import Cursor
from service.core.principal import AccessScope, Principal
from service.core.words import counted
from service.dashboard.acting import Answer, Desk, Form, Sheet, act, filled, page
from service.dashboard.endpoints.lines import endpoint_line, query_of, signs_until
from service.dashboard.said import Said
from service.notifications.endpoints.operations.changing import Told, Wish
from service.notifications.endpoints.operations.sending_missed import resend_since
from service.notifications.endpoints.operations.services import EndpointServices
from service.notifications.endpoints.schemas import AddEndpoint
from service.web.authentication import AnyRequest, on_behalf_of
from service.web.wire import decode_wire_model

HERE = "/dashboard/endpoints"
READ = frozenset({AccessScope.ENDPOINTS_READ})
WRITE = frozenset({AccessScope.ENDPOINTS_WRITE})
# Of sending again: some thousands of events, which takes seconds.
_CALLS = 25


async def resending(
    services: EndpointServices,
    endpoint_id: str,
    since: datetime,
    by: Principal,
    place: Cursor | None,
) -> Said:
    """Send what was missed since a time, as far as a press may; say how much, and what is left."""
    sent = 0
    for _ in range(_CALLS):
        resent = await resend_since(services, endpoint_id, since, by, place)
        sent, place = sent + resent.count, resent.following
        if place is None:
            break
    count = f"{counted(sent, 'event is', 'events are')} being sent again."
    if place is None:
        return Said(count)
    return Said(f"{count} There are more: press again, and go on at {place.encode()}", "warn")


def wish_of(given: Form) -> Wish:
    """Read the form that adds an endpoint. Raises `InvalidInput`."""
    sent: dict[str, object] = {
        "url": given.get("url", ""),
        "events": given.get("events", "").split() or ["*"],
        "ordered": given.get("ordered") == "yes",
        "thin": given.get("whole") != "yes",
    }
    if given.get("description"):
        sent["description"] = given["description"]
    return decode_wire_model(AddEndpoint, sent).wish()


async def acting(
    request: AnyRequest,
    desk: Desk,
    here: str,
    merchant: str | None,
    do: Callable[[Principal, Form], Awaitable[Said]],
) -> Answer:
    """Do what a form asks for, for the merchant that its address names."""

    async def done(reader: Principal, given: Form) -> Said:
        return await do(on_behalf_of(reader, merchant), given)

    return await act(request, desk, WRITE, f"{here}{query_of(merchant)}", done)


async def telling(
    request: AnyRequest,
    desk: Desk,
    here: str,
    merchant: str | None,
    do: Callable[[Principal, Form], Awaitable[Told]],
) -> Answer:
    """Do what a form asks for, and show the secret on the page that answers it: nowhere else."""
    made: list[Told] = []

    async def noted(reader: Principal, given: Form) -> Said:
        made.append(await do(reader, given))
        return Said("Done.")

    answer = await acting(request, desk, here, merchant, noted)
    if not made:
        return answer

    async def show(sheet: Sheet) -> Answer:
        of = endpoint_line(made[0].endpoint, sheet.reader, HERE, query_of(merchant))
        before = signs_until(made[0].endpoint)
        return filled(sheet, "secret.html", of=of, secret=made[0].secret, before=before)

    return await page(request, desk, READ, show)
