"""Send the mails that are due, one after the other, over one connection."""

from collections import deque
from collections.abc import Sequence
from datetime import timedelta

import structlog
from aiosmtplib import (
    SMTP,
    SMTPDataError,
    SMTPException,
    SMTPRecipientRefused,
    SMTPResponseException,
    SMTPSenderRefused,
)

from service.core.measures import MAILS
from service.leases.backoff import backoff, jittered
from service.notifications.mail import repository
from service.notifications.mail.documents import MailMessage
from service.notifications.mail.errors import MailRefused
from service.notifications.mail.operations.addresses import suppression_ids
from service.notifications.mail.operations.build import Built, build
from service.notifications.mail.operations.services import MailServices
from service.notifications.mail.operations.suppressing import suppress_refused
from service.notifications.mail.repository import Outcome
from service.notifications.mail.sending.connection import (
    ANSWER_WITHIN_S,
    LEAST_LEASE_S,
    TAKE_WITHIN_S,
    ServerTrouble,
    connected,
    is_for_good,
    refuses_the_address,
    said_of,
    told,
)
from service.notifications.mail.states import TEMPLATES, MailStatus
from service.storage.answering import answers_in_time

AT_ONCE = 20
LEASE = timedelta(seconds=LEAST_LEASE_S + AT_ONCE * ANSWER_WITHIN_S)
FIRST_WAIT = timedelta(minutes=1)
MOST_COPIES = 2
"""How often a text is handed over while nobody knows what came of it: then a person decides."""

UNSURE = (
    "It was handed over {times} times without an answer, so the server may have it. Ask the "
    "receiver, or look into the server's log, before it is sent again."
)

log = structlog.get_logger(__name__)


async def send_due(services: MailServices) -> int:
    """Send what is due; return how many mails were tried. Raises `Unavailable`."""
    server, clock = services.server, services.clock
    if server is None:
        return 0
    async with answers_in_time():
        claimed = await repository.claim(AT_ONCE, LEASE, clock)
    left = deque(claimed)
    trouble: str | None = None
    try:
        to_send = [one for one in claimed if not await _ends_before(one, services, left)]
        if to_send:
            async with connected(server) as client:
                while left:
                    await _send(client, left[0], services)
                    left.popleft()
    except ServerTrouble as error:
        trouble = str(error)
    finally:
        await _put_back(left, trouble, services)
    return len(claimed)


async def _put_back(
    left: Sequence[MailMessage], trouble: str | None, services: MailServices
) -> None:
    """Let go of what was not sent; where the server is to blame it waits, and says so."""
    if not left:
        return
    if trouble is None:
        async with answers_in_time():
            await repository.give_back(left, services.clock)
        return
    log.warning("mail server can't be used", reason=trouble, waiting=len(left))
    for mail in left:
        wait = wait_after(mail.attempts)
        await _keep(mail, Outcome(MailStatus.PENDING, trouble, wait, known=False), services)


async def _ends_before(mail: MailMessage, services: MailServices, left: deque[MailMessage]) -> bool:
    """Return whether a mail ends without being sent, and keep why."""
    ids = suppression_ids(mail.merchant_id, mail.to, services.peppers)
    async with answers_in_time():
        found = await repository.suppressed(ids)
        if found is not None and found.id != ids[0]:  # so that the older pepper may go
            await repository.suppress(found.model_copy(update={"id": ids[0]}))
    outcome = None
    if found is not None and not TEMPLATES[mail.template].receipt:
        says = f"This address gets receipts alone: it is {found.reason}."
        outcome = Outcome(MailStatus.SUPPRESSED, says)
    elif not await _is_still_wanted(mail, services):
        outcome = Outcome(MailStatus.SUPPRESSED, "It was overtaken while it waited.")
    elif mail.handed_over >= MOST_COPIES:
        says = UNSURE.format(times=mail.handed_over)
        outcome = Outcome(MailStatus.UNSURE, says, known=False)
    if outcome is None:
        return False
    await _keep(mail, outcome, services)
    left.remove(mail)
    return True


async def _is_still_wanted(mail: MailMessage, services: MailServices) -> bool:
    asked = services.still_wanted.get(mail.template)
    if asked is None:
        return True
    async with answers_in_time():
        return await asked(mail)


async def _send(client: SMTP, mail: MailMessage, services: MailServices) -> None:
    """Send one mail and keep what came of it. Raises `ServerTrouble` where the server fails."""
    try:
        async with answers_in_time():
            built = await build(mail, services)
    except MailRefused as error:
        wait = wait_after(mail.attempts)
        return await _keep(mail, Outcome(MailStatus.PENDING, error.message, wait), services)
    if built.flaw is not None:
        log.warning("own mail template failed", template=mail.template, merchant=mail.merchant_id)
    try:
        outcome = await _hand_over(client, mail, built, services)
    except SMTPResponseException as error:
        await _keep(mail, await _refused(mail, error, services), services)
        return await _begin_anew(client)
    except (SMTPException, OSError) as error:
        raise ServerTrouble(_gone(error)) from error
    if outcome is not None:
        await _keep(mail, outcome, services)


async def _hand_over(
    client: SMTP, mail: MailMessage, built: Built, services: MailServices
) -> Outcome | None:
    """Name the sender and the receiver, note that the text goes out now, and hand it over.

    None where another has taken the mail over meanwhile. Until it is noted nothing has reached
    anybody, and after the answer is known it is noted at once: what remains is the time between.
    """
    await client.mail(built.sender)
    await client.rcpt(built.recipient)
    async with answers_in_time():
        ours = await repository.begin_handing_over(mail, LEASE, services.clock)
    if not ours:
        await client.rset()
        return None
    answer = await client.data(built.content, timeout=TAKE_WITHIN_S)
    return Outcome(MailStatus.SENT, said_of(answer.code, answer.message))


async def _refused(
    mail: MailMessage, error: SMTPResponseException, services: MailServices
) -> Outcome:
    """Return what an answer means that is no yes: waiting, or the end of it."""
    code, said = error.code, said_of(error.code, error.message)
    wait = wait_after(mail.attempts)
    if isinstance(error, SMTPSenderRefused):
        return Outcome(MailStatus.PENDING, f"The server does not take our sender: {said}.", wait)
    if not is_for_good(code):
        return Outcome(MailStatus.PENDING, f"The server takes it later: {said}.", wait)
    if isinstance(error, SMTPRecipientRefused) and refuses_the_address(code, error.message):
        await suppress_refused(mail, said, services)
        return Outcome(MailStatus.REFUSED, f"The server knows no such address: {said}.")
    what = "this mail" if isinstance(error, SMTPDataError) else "mail for this address"
    return Outcome(MailStatus.REFUSED, f"The server refuses {what}: {said}.")


async def _begin_anew(client: SMTP) -> None:
    """Make the connection ready for the next mail. Raises `ServerTrouble`."""
    try:
        await client.rset()
    except (SMTPException, OSError) as error:
        raise ServerTrouble(_gone(error)) from error


def _gone(error: Exception) -> str:
    return f"The mail server broke off ({type(error).__name__}: {told(str(error))})."


async def _keep(mail: MailMessage, outcome: Outcome, services: MailServices) -> None:
    """Keep what a try came to, and count it. Addresses stand in no log."""
    async with answers_in_time():
        await repository.keep(mail, outcome, services.clock)
    MAILS.labels(mail.template, outcome.status.value).inc()
    if outcome.status is not MailStatus.SENT:
        log.info("mail not sent", mail=mail.id, to=mail.masked, status=outcome.status.value)


def wait_after(attempts: int) -> timedelta:
    """Return the wait before the next try: about 1, 2, 4 … minutes, at most 6 hours."""
    return jittered(backoff(attempts, FIRST_WAIT))
