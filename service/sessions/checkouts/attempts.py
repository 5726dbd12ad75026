"""Close an attempt with an unknown outcome: it may have opened a checkout that was never linked."""

from contextlib import suppress

from service.core.errors import Busy, ProviderFailed
from service.outbox.documents import Delivery, OutboxMessage
from service.sessions import repository
from service.sessions.checkouts.lock import LOCK, Locked
from service.sessions.checkouts.open import open_locked
from service.sessions.checkouts.services import CheckoutServices
from service.sessions.documents import Opening, Session
from service.sessions.errors import NotPayable
from service.sessions.states import OPEN
from service.storage.answering import answers_in_time


async def close_attempt_by_message(
    delivery: Delivery, message: OutboxMessage, *, services: CheckoutServices
) -> None:
    """Repeat the attempt of a session that has ended, to find out what it opened, if anything.

    Linking then sees that the session has ended, keeps the checkout as given up, and has it
    closed. Raises `Busy` while its opener may still be working, and `ProviderUnreachable`: the
    outbox tries again.
    """
    async with answers_in_time():
        session = await repository.find(message.merchant_id, message.session_id)
    if session is None or session.opening is None or session.status in OPEN:
        return  # linked, or retried: who retries repeats the attempt
    opening = session.opening
    if opening.n != message.payload["n"] or not opening.repeated:
        return
    locked = await _lock(session, opening, services)
    try:
        with suppress(NotPayable):
            await open_locked(locked, services.providers[session.provider], services)
    except ProviderFailed as error:
        if not error.definite:
            raise


async def _lock(session: Session, opening: Opening, services: CheckoutServices) -> Locked:
    now = services.clock.now()
    if opening.locked_until > now:
        raise Busy("The checkout is still being opened.")
    ours = opening.model_copy(update={"locked_until": now + LOCK})
    async with answers_in_time():
        change = {"$set": {"opening": ours.model_dump(by_alias=True), "updatedAt": now}}
        return Locked(await repository.change(session, change), ours)
