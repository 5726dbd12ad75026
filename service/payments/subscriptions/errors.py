"""What can be wrong with a subscription, or with what is asked of it."""

from service.core.errors import (
    Conflict,
    FieldProblem,
    Forbidden,
    InvalidInput,
    NotFound,
    TooManyRequests,
)


class SubscriptionNotFound(NotFound):
    """There is no such subscription, or the caller may not know of it."""

    code = "subscription_not_found"

    def __init__(self, subscription_id: str) -> None:
        """Name the subscription."""
        super().__init__(f"There is no subscription {subscription_id!r}.")


class SubscriptionOfAnother(Forbidden):
    """A user asked for somebody else's subscription."""

    code = "subscription_of_another"

    def __init__(self) -> None:
        """Say whose may be read."""
        super().__init__("A user reads their own subscription: userId must be the token's.")


class SubscriptionEnded(Conflict):
    """It has ended for good, so nothing of it can be changed."""

    code = "subscription_ended"

    def __init__(self, subscription_id: str, status: str) -> None:
        """Say what to do instead."""
        super().__init__(
            f"Subscription {subscription_id} is {status}, and can't be changed any more. "
            "Open a new one with POST /api/payments/create-checkout."
        )


class SubscriptionUnpaid(Conflict):
    """Its provider has given up its renewals: what is owed comes first."""

    code = "subscription_unpaid"

    def __init__(self, subscription_id: str, status: str) -> None:
        """Say who makes it active again, and how."""
        super().__init__(
            f"Subscription {subscription_id} is {status}: its provider gave up charging for it, "
            "and it was not canceled, so there is nothing to take back. It is active again as "
            "soon as the customer pays what is owed at the provider, with another card if need be."
        )


class SubscriptionNotRead(Conflict):
    """Its provider has not said yet how it stands."""

    code = "subscription_not_read"

    def __init__(self, subscription_id: str) -> None:
        """Say that it comes by itself."""
        super().__init__(
            f"The provider has not said yet how subscription {subscription_id} stands; "
            "it is asked until it does. Send the same call again in a minute."
        )


class SamePlan(Conflict):
    """The subscription is to the plan that was asked for already."""

    code = "same_plan"

    def __init__(self, plan: str) -> None:
        """Name the plan."""
        super().__init__(f"The subscription is to the plan {plan!r} already: nothing was changed.")


class ChangeNotOffered(Conflict):
    """The provider has no way to do it."""

    code = "change_not_offered"


class ChangeRefused(Conflict):
    """The provider was asked for a change and has refused it."""

    code = "change_refused"


class OtherCurrency(InvalidInput):
    """A subscription keeps its currency for good."""

    code = "currency_mismatch"

    def __init__(self, plan: str, currency: str) -> None:
        """Say what to do instead."""
        message = (
            f"The plan {plan!r} has no price in {currency}, which the subscription is charged in, "
            "and no subscription changes its currency. Cancel it and open one to the other plan."
        )
        problem = FieldProblem("plan", f"has no price in {currency}")
        super().__init__(message, problems=(problem,))


def asked_too_often() -> TooManyRequests:
    """Make the error for changes of one subscription that come too often."""
    message = "This subscription was to be changed too often; ask again in a minute."
    return TooManyRequests(message, retry_after=60)


def unknown_plan(plan: str, provider: str) -> InvalidInput:
    """Make the error for a plan that its provider has no price for."""
    problem = FieldProblem("plan", f"is {plan!r}, for which {provider} has no price here")
    return InvalidInput(f"The request can't be used: plan {problem.message}.", problems=(problem,))


def wrong_field(name: str, problem: str) -> InvalidInput:
    """Make the error for one field."""
    named = FieldProblem(name, problem)
    return InvalidInput(f"The request can't be used: {name} {problem}.", problems=(named,))
