"""A shop that sends mail and reminds those who left; time stands still."""

from collections.abc import AsyncIterator

import pytest_asyncio

from tests.notifications.mail.conftest import (
    mail_port,
    mailing,
    server,
    settings,
)
from tests.notifications.mail.mailing import Mailing
from tests.recovery.leaving import Leaving

__all__ = ["leaving", "mail_port", "mailing", "server", "settings"]


@pytest_asyncio.fixture
async def leaving(mailing: Mailing) -> AsyncIterator[Leaving]:
    """A shop whose merchant has customers reminded, and nobody held out."""
    made = Leaving(mailing)
    await mailing.born()
    await mailing.set_merchant()
    await made.policy(heldOut=0)
    yield made
