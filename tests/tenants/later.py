"""What A has of mail, subscriptions, leads and recovery, and the calls by which B could see it."""

from datetime import timedelta
from typing import Any

from service.notifications.mail.documents import MailMessage
from service.payments.subscriptions.documents import Subscription
from tests.support.shop import Shop
from tests.tenants.leads import LEAD, Probed, calls_on_leads

__all__ = ["LEAD", "calls", "own"]
MAIL, SUBSCRIPTION = "ml_of_alpha", "sub_of_alpha"


async def own(shop: Shop, merchant: str) -> None:
    """Insert a mail and a subscription of a merchant."""
    now = shop.clock.now()
    times = {"createdAt": now, "nextAttemptAt": now, "giveUpAt": now + timedelta(days=3)}
    mail = {"_id": MAIL, "merchantId": merchant, "template": "completed", "cause": "a-paid"}
    mail |= {"to": "ada@alpha.example", "masked": "words-of-alpha", "status": "sent"}
    row = MailMessage.new_row({**mail, **times, "purgeAt": now + timedelta(days=90)})
    await shop.database["mail_messages"].insert_one(row)
    named = {"merchantId": merchant, "provider": "stripe", "account": "default"}
    named |= {"providerSubscriptionId": SUBSCRIPTION, "userId": "ada", "status": "active"}
    made = {"amount": 424242, "currency": "USD", "createdAt": now, "updatedAt": now}
    await shop.database["subscriptions"].insert_one(Subscription.new_row({**named, **made}))


def _recovery(whose: dict[str, Any]) -> dict[str, list[Probed]]:
    path, one = "/api/admin/recovery", {"session_id": "a-open"}
    return {
        f"get {path}": [({}, {}, (200,)), (whose, {}, (403,))],
        f"get {path}/policy": [({}, {}, (200,)), (whose, {}, (403,))],
        f"put {path}/policy": [({"json": {}, **whose}, {}, (403,))],
        f"patch {path}/policy": [({"json": {"paused": True}, **whose}, {}, (403,))],
        f"get {path}/lift": [({}, {}, (200,)), (whose, {}, (403,))],
        f"get {path}/{{session_id}}/preview": [({}, one, (404,)), (whose, one, (403,))],
        f"post {path}/{{session_id}}/send": [({}, one, (404,)), (whose, one, (403,))],
    }


def calls(merchant: str, user: str, intent_id: str) -> dict[str, list[Probed]]:
    """Return the calls to routes of mail, subscriptions and leads that name what is another's."""
    whose = {"params": {"merchant": merchant}}
    address, template = {"json": {"email": "ada@alpha.example"}}, {"name": "completed"}
    suppressions, templates = "/api/admin/mail/suppressions", "/api/admin/mail/templates"
    mails: dict[str, list[Probed]] = {
        "get /api/admin/mail": [({}, {}, (200,)), (whose, {}, (403,))],
        "post /api/admin/mail/{mail_id}/resend": [({}, {"mail_id": MAIL}, (404,))],
        f"get {suppressions}": [({}, {}, (200,))],
        f"post {suppressions}": [({"json": {"email": "b@beta.example"}}, {}, (201,))],
        f"post {suppressions}/lift": [(address, {}, (404,))],
        f"get {templates}": [({}, {}, (200,))],
        f"get {templates}/{{name}}": [({}, template, (200,))],
        f"put {templates}/{{name}}": [({"json": {"subject": "B's"}}, template, (200,))],
        f"delete {templates}/{{name}}": [({}, template, (200,))],
        f"post {templates}/{{name}}/preview": [({"json": {}}, template, (200,))],
    }
    named = {"subscriptionId": SUBSCRIPTION}
    return (
        mails
        | calls_on_leads(intent_id)
        | _recovery(whose)
        | {
            "get /api/payment/subscription-status": [
                ({"params": {"userId": user}}, {}, (200, 403))
            ],
            "get /api/subscriptions": [({}, {}, (200,))],
            "get /api/subscriptions/{subscription_id}": [
                ({}, {"subscription_id": SUBSCRIPTION}, (404,))
            ],
            "post /api/payment/cancel-subscription": [({"json": named}, {}, (404,))],
            "post /api/payment/reactivate-subscription": [({"json": named}, {}, (404,))],
            "post /api/payment/change-plan": [({"json": {**named, "plan": "premium"}}, {}, (404,))],
        }
    )
