"""The pages of mail in a real browser: the dashboard's, the mailbox, and that to unsubscribe."""

from datetime import timedelta
from urllib.parse import urlsplit

import pytest

from service.core.clock import SystemClock
from service.notifications.mail import repository
from service.notifications.mail.documents import MailMessage
from service.notifications.mail.operations.unsubscribe import link
from service.notifications.mail.states import MailStatus
from tests.dashboard.operated import EVIL
from tests.sandbox.looks import look_at
from tests.sandbox.mailbox.test_mailbox import send
from tests.sandbox.visitor import Visitor, signed_in
from tests.support.axe import violations
from tillgate_sandbox.extension import SANDBOX

pytestmark = pytest.mark.browser

PAGE = "/dashboard/mail"
_LOOKS = [(360, "dark"), (360, "light"), (1280, "dark"), (1280, "light")]


async def _mailed() -> None:
    """Have a mail of each state, all with hostile words."""
    now = SystemClock().now()
    for number, status in enumerate(MailStatus):
        mail = MailMessage(
            id=f"ml_{number}",
            merchant_id="default",
            session_id="s-1",
            template="refund_requested",
            cause="evt_1",
            to="joe@customer.example",
            masked=f"j***@{'x' * 200}.example",
            status=status,
            attempts=number,
            error=f"{EVIL}{'y' * 300}" if number else None,
            created_at=now,
            next_attempt_at=now + timedelta(days=1),
            give_up_at=now + timedelta(days=3),
            purge_at=now + timedelta(days=90),
        )
        await repository.add_once([mail.to_row()])


@pytest.mark.soak
async def test_the_page_of_mail_fits_whatever_stands_in_it(visitor: Visitor) -> None:
    """Soak: in each width and scheme; `test_every_page` looks at each page once."""
    await signed_in(visitor, PAGE)
    await look_at(visitor, {"mail-empty": PAGE}, _LOOKS[:1])
    await _mailed()
    await look_at(visitor, {"mail": PAGE}, _LOOKS)


@pytest.mark.soak
async def test_the_mailbox_of_development_fits(visitor: Visitor) -> None:
    """Soak: in each width and scheme; `test_every_page` looks at each page once."""
    async with SANDBOX.receiving_mail(SystemClock()) as url:
        await send(url)
    await look_at(visitor, {"mailbox": "/sandbox/mail"}, _LOOKS)
    await visitor.page.click("text=A receipt")
    path = visitor.page.url.removeprefix(visitor.lab.address)
    assert path != "/sandbox/mail"
    # What a mail brings along may do nothing: the browser says so of its script.
    await look_at(visitor, {"mailbox-mail": path}, _LOOKS)
    visitor.complaints[:] = [one for one in visitor.complaints if "sandboxed" not in one]


async def test_an_address_unsubscribes_by_keyboard_alone(visitor: Visitor) -> None:
    found = urlsplit(link("default", "ann@shop.example", visitor.lab.api.container.mail))
    await look_at(visitor, {"unsubscribe": f"{found.path}?{found.query}"}, _LOOKS)
    await visitor.page.keyboard.press("Tab")
    assert await visitor.page.evaluate("document.activeElement.matches('button.primary')")
    assert await visitor.page.evaluate("getComputedStyle(document.activeElement).outlineStyle") != (
        "none"
    )
    await visitor.page.keyboard.press("Enter")
    await visitor.page.wait_for_selector("main:not(:has(button))")
    assert "a***@shop.example" in await visitor.text("main")
    assert await violations(visitor.page) == []
    await visitor.keep("look-unsubscribed")
