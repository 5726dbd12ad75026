"""Leave a lead."""

from datetime import datetime

import structlog
from msgspec import Struct

from service.core.ids import new_id
from service.core.money import exponent
from service.core.peppers import Pepper
from service.intents import repository
from service.intents.documents import PaymentIntent
from service.intents.errors import wrong_field
from service.intents.operations.services import IntentServices
from service.intents.states import minor_units
from service.outbox import repository as outbox
from service.outbox.operations.messages import message
from service.storage.database import Row
from service.storage.plain import in_transaction
from service.storage.transaction import Transaction

TOPIC = "intent.created"
log = structlog.get_logger(__name__)


class NewIntent(Struct, frozen=True, kw_only=True):
    """What somebody sent. `amount` is in major units; `address` is where it came from.

    `session_id` names their journey, None where it begins. `is_bot`: the field that no person sees
    was filled in.
    """

    plan_name: str
    amount: str
    user_email: str | None = None
    user_agent: str | None = None
    feedback: str | None = None
    session_id: str | None = None
    timestamp: datetime | None = None
    mail_consent: bool | None = None
    consent_text: str | None = None
    locale: str | None = None
    time_zone: str | None = None
    client: str | None = None
    address: str | None = None
    is_bot: bool = False


class Left(Struct, frozen=True):
    """A lead as it was left; `announced`: whoever hears of it, or is mailed, will be told."""

    intent_id: str
    session_id: str
    created_at: datetime
    announced: bool


async def leave_intent(new: NewIntent, merchant_id: str, services: IntentServices) -> Left:
    """Keep a lead, and announce it where somebody hears of leads.

    What a bot sent is answered as everything else, and not kept. Raises `InvalidInput` for an
    amount that the merchant's currency does not have, and `Unavailable`.
    """
    row = await _row(new, merchant_id, services)
    announced = services.heard(merchant_id, TOPIC)
    if new.is_bot:
        log.info("lead dropped", reason="honeypot", merchant=merchant_id, client=new.client)
    elif announced:
        await in_transaction(lambda tx: _insert_announced(row, tx))
    else:
        await repository.insert(row)
    told = announced or await services.tells(merchant_id)
    return Left(row["_id"], row["sessionId"], row["createdAt"], told)


def email_hash(pepper: Pepper, merchant_id: str, email: str) -> str:
    """Return the hash by which a merchant's leads with an email address are found."""
    return pepper.derive("lead-email", merchant_id, email.lower())


async def _row(new: NewIntent, merchant_id: str, services: IntentServices) -> Row:
    now, email = services.clock.now(), new.user_email
    currency = await services.currency_of(merchant_id)
    minor = minor_units(new.amount, exponent(currency))
    if minor is None:
        places = f"with at most {exponent(currency)} decimals, since it is in {currency}"
        raise wrong_field("amount", f'must be a number such as 29 or "29", {places}')
    return PaymentIntent.new_row(
        {
            "_id": new_id("intent"),
            "merchantId": merchant_id,
            "amountMinor": minor,
            "currency": currency,
            "userEmailHash": email and email_hash(services.peppers[0], merchant_id, email),
            "unparsed": new.user_agent is not None,
            "ipAddress": new.address if services.keep_addresses else None,
            "sessionId": new.session_id or new_id("journey"),
            "createdAt": now,
            "purgeAt": now + services.keep_for,
        },
        new,
    )


async def _insert_announced(row: Row, tx: Transaction) -> None:
    await repository.insert_within(row, tx)
    payload = {
        "intentId": row["_id"],
        "planName": row["planName"],
        "amount": row["amountMinor"],
        "currency": row["currency"],
        "journeyId": row["sessionId"],
        "hasEmail": row["userEmail"] is not None,
    }
    told = message(
        TOPIC,
        row["_id"],
        merchant_id=row["merchantId"],
        session_id="",
        payload=payload,
        now=row["createdAt"],
    )
    await outbox.add_new([told], tx)
