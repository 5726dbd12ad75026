"""A reminder as it would be mailed now."""

from typing import Final

from service.core.strict_json import JsonObject
from service.notifications.mail import repository as mails
from service.notifications.mail.operations.about import amount_of
from service.notifications.mail.operations.compose import merchant_of
from service.notifications.mail.operations.render import Rendered, Wanted, render
from service.notifications.mail.operations.unsubscribe import link as unsubscribe_link
from service.notifications.mail.operations.words import time
from service.recovery.operations.links import LINK_FOR, link
from service.recovery.operations.services import RecoveryServices
from service.sessions.documents import Session
from service.storage.answering import answers_in_time

TEMPLATE: Final = "reminder"


async def mail_of(session: Session, services: RecoveryServices) -> Rendered:
    """Return the mail of a session's reminder. Raises `Unavailable`."""
    now, merchant_id = services.clock.now(), session.merchant_id
    async with answers_in_time():
        merchant = await merchant_of(merchant_id, services.mail)
        own = await mails.own_template(merchant_id, TEMPLATE)
    values: JsonObject = {
        "item": session.title or session.plan or session.event_id,
        "quantity": str(session.quantity) if session.quantity > 1 else "",
        "session": session.session_id,
        "test": session.live is False,
        "amount": amount_of(session.amount, session.provider, session.currency),
        "deadline": time(now + LINK_FOR),
        "link": link(merchant_id, session.session_id, now, services.mail),
    }
    unsubscribe = unsubscribe_link(merchant_id, session.email or "", services.mail)
    return render(Wanted(TEMPLATE, values, unsubscribe), merchant, own)
