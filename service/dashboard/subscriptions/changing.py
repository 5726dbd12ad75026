"""Change a subscription as a form asks for it, and say what came of it."""

from service.core.errors import InvalidInput
from service.core.principal import Principal
from service.core.words import moment
from service.dashboard.acting import Form
from service.dashboard.said import Said
from service.payments.subscriptions.documents import Subscription
from service.payments.subscriptions.operations.browse import find_subscription
from service.payments.subscriptions.operations.changes import Change
from service.payments.subscriptions.schemas import (
    CancelSubscription,
    ChangePlan,
    ReactivateSubscription,
)
from service.payments.subscriptions.sending.change import change_subscription
from service.payments.subscriptions.sending.services import SubscriptionServices
from service.web.wire import decode_wire_model


async def change(
    reader: Principal, subscription_id: str, given: Form, services: SubscriptionServices
) -> Said:
    """Make the change that the button names; pressed twice, it is made once.

    Raises `InvalidInput`, and what says why it can't be made.
    """
    wanted = _wanted(subscription_id, given)
    found = await find_subscription(reader.merchant_id, subscription_id, None)
    return _said(wanted, await change_subscription(found, wanted, reader, services))


def _wanted(subscription_id: str, given: Form) -> Change:
    """Read a form as the API reads a body: what that refuses is kept out here, too."""
    body: dict[str, object] = {
        "subscriptionId": subscription_id,
        "reason": given.get("reason") or None,
    }
    match given.get("change"):
        case "end":
            sent = decode_wire_model(CancelSubscription, body)
            return Change("cancel_at_period_end", reason=sent.reason)
        case "end_now":
            sent = decode_wire_model(CancelSubscription, body | {"atPeriodEnd": False})
            return Change("cancel_now", reason=sent.reason)
        case "go_on":
            back = decode_wire_model(ReactivateSubscription, body)
            return Change("reactivate", reason=back.reason)
        case "plan":
            other = decode_wire_model(ChangePlan, body | {"plan": given.get("plan", "")})
            return Change("change_plan", other.plan, other.reason)
        case _:
            raise InvalidInput("Nothing was changed: the form names no change.")


def _said(wanted: Change, now: Subscription) -> Said:
    match wanted.what:
        case "cancel_now" if now.has_ended:
            return Said("It has ended.")
        case "cancel_at_period_end" if now.cancel_at_period_end:
            ends = now.current_period_end
            return Said(f"It ends at {moment(ends)}." if ends else "It ends with its period.")
        case "reactivate" if not now.cancel_at_period_end:
            return Said("It goes on.")
        case "change_plan" if now.plan == wanted.plan:
            return Said(f"It is to {now.plan} from now on.")
        case _:
            return Said("The provider was asked, and does not say so yet: look again soon.", "warn")
