"""The OpenAPI document is the one that is kept, but for what CHANGELOG names.

`kept.json` is what the version before answered. A change that callers see fails here; if it is
meant, it gets a row below and its words in CHANGELOG. At a release the rows go, and
`KEEP_OPENAPI=1 python -m pytest tests/openapi` keeps the new document.
"""

import copy
import os
from pathlib import Path
from typing import Any

import pytest

from tests.openapi.figures import FIGURES
from tests.openapi.kept import KEPT, Parts, differences, kept, parts_of, written
from tests.support.api import Api

# Where the document may differ (a place and everything in it), and the words of CHANGELOG about it.
_RETURN = "Descriptions in the API's document begin with *Return*"
_METRICS = "`GET /metrics` tells Prometheus"
_BY_HAND = "a change of a session can *complete by hand with a secret key*"
_MERCHANTS = "Merchants: name, time zone, default currency"
_ANY_MERCHANT = "an operator decides the reviews of any `merchant`"
_DELIVERIES = "Messages reach *subscribers*"
_OWN = "Jobs have *reports of their own*"
_REFUNDS = "*Refunds*: customers request them"
_GIVEN_BACK = "Reviews can *give money back*"
_LISTED = "*every job with its last runs*"
_POSTED = "shows *what a provider posted*"
_LISTS = "`GET /api/payment-sessions` lists sessions of all users"
_ANALYTICS = "`GET /api/payment/admin/analytics` adds up"
_ANY_ID = "`GET /api/payments/{any_id}` leads from any id"
_EVIDENCE = "`GET /api/disputes/{dispute_id}/evidence` gathers"
_SWEEPS = "*Sweeps*: with `updatedSince` the lists"
_STREAMS = "*Streams*: `GET /api/events/stream` sends events"
_ALERTS = "*Alerts*: conditions that a person must hear of"
_WEBHOOKS = "*Webhooks to your server*"
_MAIL = "`GET /api/admin/mail` lists mails"
_HISTORY = "`GET /api/payment/payment-history` lists payments"
_SUBSCRIPTIONS = "*Subscriptions* at Stripe and Razorpay"
_PLANS = "A price names `providerPrices`"
_CLIENT = "*tillgate-browser* takes payments from a page of your own"
_SHORT = "Operations of the API's document have short names"
_WHOLE = "bodies in the API's document have *whole examples*"
_OLDER = "older names are marked as deprecated"
_FOUND = "creates say that they answer 200, too"
_SIGNED = "webhooks name the headers that they are signed in"
_PROVIDER = "`provider` or `paymentMethod` is required in the document, too"
_ENTRIES = "`EntryView` is `AuditEntryView` and `TimelineEntry`"
_NAMED_ANEW = ("provider", "paymentMethod", "userId")
_METHODS = ("get", "post", "put", "patch", "delete")
_ERROR_PAGES = "*Each error has a page*"
_RECOVERY = "*Recovery*: customers who left before they paid"
_LEADS = "*Leads*: `POST /api/payment-intent` keeps"
ALLOWED: dict[str, str] = {
    **FIGURES,
    "schemas Problem > properties > type": _ERROR_PAGES,
    "schemas Problem > properties > title": _ERROR_PAGES,
    **{
        f"{operation}": _RECOVERY
        for operation in (
            *(f"{method} /api/admin/recovery/policy" for method in ("get", "put", "patch")),
            *("get /api/admin/recovery", "get /api/admin/recovery/lift"),
            "get /api/admin/recovery/{session_id}/preview",
            "post /api/admin/recovery/{session_id}/send",
        )
    },
    **{
        f"schemas {name}": _RECOVERY
        for name in (
            *("PutRecovery", "PauseRecovery", "PolicyAnswer", "PolicyView", "RecoveryAnswer"),
            *("RecoveriesAnswer", "RecoveryView", "RecoveryPreviewAnswer", "ReminderMailView"),
            *("LiftAnswer", "LiftView", "ArmView", "DifferenceView", "MoneyView", "ViaView"),
            *("Arm", "RecoveryStatus", "Via"),
        )
    },
    "post /api/payment-intent": _LEADS,
    **{
        f"{operation}": _LEADS
        for operation in (
            *(f"{method} /api/payment-intent/cleanup" for method in ("get", "post", "delete")),
            *(f"{method} /api/payment-intent/query" for method in ("get", "post")),
            "get /api/payment-intent/analytics",
            "delete /api/payment-intent/{intent_id}",
        )
    },
    **{
        f"schemas {name}": _LEADS
        for name in (
            *("LeaveIntent", "LeftIntent", "LeftAnswer", "DeletedAnswer", "DeletedIntent"),
            *("Filters", "Pagination", "QueryIntents", "IntentsAnswer", "IntentsData"),
            *("AgentView", "IntentView", "PageView", "StatsView", "CleanUpIntents"),
            *("IntentAnalyticsAnswer", "AnalyticsView", "PeriodView", "TimeView", "Trend"),
            *("UsersView", "JourneySum", "BusinessView", "FunnelView", "PlanView"),
            *("AmountBucket", "HealthAnswer", "HealthView", "RangeView"),
            *("CleanedAnswer", "CleanedView"),
        )
    },
    **{
        f"schemas {name} > properties > intentId": _LEADS
        for name in (
            *("CreateCheckout", "CreateCheckoutSession", "CreatePaymentSession", "SessionView"),
        )
    },
    **{f"{part} > operationId": _SHORT for part in kept() if part.split()[0] in _METHODS},
    **{
        f"{method} /api/{path} > deprecated": _OLDER
        for path, methods in {
            "payment-sessions": ("put",),
            "checkout-sessions": ("put",),
            "payments/checkout-session": ("get", "post", "put", "patch"),
            "payment/create-checkout-session": ("post",),
            "payments/webhook": ("post",),
            "payment/webhook": ("post",),
        }.items()
        for method in methods
    },
    **{
        f"post /api/{path} > responses > 200": _FOUND
        for path in (
            *("payment-sessions", "checkout-sessions", "payments/checkout-session"),
            *("payments/create-checkout", "payment/create-checkout-session"),
        )
    },
    **{
        f"{method} /api/{path} > requestBody": _WHOLE
        for method, path in (
            *((one, "payment-sessions") for one in ("post", "put", "patch")),
            *((one, "checkout-sessions") for one in ("post", "put", "patch")),
            *((one, "payments/checkout-session") for one in ("post", "put", "patch")),
            ("post", "payments/create-checkout"),
            ("post", "payment/create-checkout-session"),
            ("post", "payment/verify-checkout-session"),
            ("post", "quotes"),
            ("post", "cleanup-sessions"),
            ("post", "jobs/{name}"),
            ("put", "admin/coupons/{code}"),
            ("put", "admin/prices/{item}"),
            ("post", "admin/reviews/{event_id}/accept"),
            ("post", "admin/reviews/{event_id}/reject"),
        )
    },
    **{
        f"{operation} > parameters > {name}": _WHOLE
        for operation, name in (
            ("put /api/admin/coupons/{code}", "path code"),
            ("delete /api/admin/coupons/{code}", "path code"),
            ("put /api/admin/prices/{item}", "path item"),
            ("delete /api/admin/prices/{item}", "path item"),
            ("delete /api/admin/prices/{item}", "query currency"),
            ("get /api/payment-sessions/{session_id}", "path session_id"),
            ("get /api/payment-sessions/{session_id}/timeline", "path session_id"),
            ("get /api/checkout-sessions", "query userId"),
            ("get /api/payments/checkout-session", "query userId"),
            ("post /api/jobs/{name}", "path name"),
            ("post /api/webhooks/{provider}", "path provider"),
        )
    },
    **{
        f"post /api/{path} > {part}": _SIGNED
        for path in ("payments/webhook", "payment/webhook", "webhooks/{provider}")
        for part in ("parameters", "requestBody")
    },
    "schemas CreateCheckout > if": _PROVIDER,
    "schemas CreateCheckout > else": _PROVIDER,
    **{
        f"schemas {name} > {part}": _PROVIDER
        for name in ("CreatePaymentSession", "CreateCheckoutSession")
        for part in ("if", "then", *(f"properties > {one}" for one in _NAMED_ANEW))
    },
    **{
        f"schemas {part}": _ENTRIES
        for part in (
            *("audit_controllers_EntryView", "timeline_schemas_EntryView"),
            *("AuditEntryView", "TimelineEntry"),
            "EntriesAnswer > properties > entries",
            "TimelineAnswer > properties > entries",
        )
    },
    "post /api/webhook-endpoints": _WEBHOOKS,
    "get /api/webhook-endpoints": _WEBHOOKS,
    **{
        f"{method} /api/webhook-endpoints/{{endpoint_id}}": _WEBHOOKS
        for method in ("get", "patch", "delete")
    },
    **{
        f"post /api/webhook-endpoints/{{endpoint_id}}/{act}": _WEBHOOKS
        for act in ("test", "rotate", "resend")
    },
    "get /api/webhook-endpoints/{endpoint_id}/deliveries": _WEBHOOKS,
    **{
        f"schemas {name}": _WEBHOOKS
        for name in (
            *("AddEndpoint", "ChangeEndpoint", "Resend", "EndpointAnswer", "EndpointsAnswer"),
            *("EndpointView", "SecretView", "DisabledView", "ToldEndpoint", "SentView", "TryView"),
            *("SentAnswer", "SentListAnswer", "ResentAnswer", "DeliveryStatus"),
        )
    },
    "get /api/admin/alerts": _ALERTS,
    "post /api/admin/alerts/{alert_id}/close": _ALERTS,
    **{
        f"schemas {name}": _ALERTS
        for name in ("AlertAnswer", "AlertsAnswer", "AlertView", "CloseAlert")
    },
    **{
        f"{method} /api/admin/mail{path}": _MAIL
        for method, path in (
            *(("get", ""), ("post", "/{mail_id}/resend"), ("get", "/templates")),
            *((it, "/templates/{name}") for it in ("get", "put", "delete")),
            ("post", "/templates/{name}/preview"),
            *(("get", "/suppressions"), ("post", "/suppressions"), ("post", "/suppressions/lift")),
        )
    },
    **{
        f"schemas {name}": _MAIL
        for name in (
            *("MailAnswer", "MailsAnswer", "MailStatus", "MailView", "MailPreviewAnswer"),
            *("MailTemplateAnswer", "MailTemplatesAnswer", "MailTemplateView", "PutMailTemplate"),
            *("LiftSuppression", "NoteBounce", "SuppressionAnswer", "SuppressionsAnswer"),
            "SuppressionView",
        )
    },
    "schemas CheckoutAnswer > properties > checkoutScript": _CLIENT,
    "schemas CheckoutScript": _CLIENT,
    "get /api/payment/subscription-status": _SUBSCRIPTIONS,
    **{
        f"schemas {name} > properties > {field}": _PLANS
        for name in ("PutPrice", "PriceView")
        for field in ("interval", "intervalCount", "providerPrices")
    },
    "get /api/subscriptions": _SUBSCRIPTIONS,
    "get /api/subscriptions/{subscription_id}": _SUBSCRIPTIONS,
    **{
        f"post /api/payment/{act}": _SUBSCRIPTIONS
        for act in ("cancel-subscription", "reactivate-subscription", "change-plan")
    },
    **{
        f"schemas {name}": _SUBSCRIPTIONS
        for name in (
            *("CancelSubscription", "ChangePlan", "ReactivateSubscription"),
            *("SubscriptionAnswer", "SubscriptionPayment", "SubscriptionStatus"),
            *("SubscriptionStatusAnswer", "SubscriptionView", "SubscriptionsAnswer"),
            *("PaymentStatus", "VerifiedAnswer > properties"),
        )
    },
    "get /api/payments/{any_id}": _ANY_ID,
    **{f"schemas {name}": _ANY_ID for name in ("BalanceLine", "FoundAnswer", "WholePayment")},
    "get /api/disputes/{dispute_id}/evidence": _EVIDENCE,
    **{
        f"schemas {name}": _EVIDENCE
        for name in ("ActLine", "Bought", "Customer", "DeliveryLine", "EvidenceAnswer")
    },
    "get /api/events/stream": _STREAMS,
    "schemas SessionsAnswer > properties > nextUpdatedSince": _SWEEPS,
    "get /api/payment/payment-history": _HISTORY,
    "get /api/payment/admin/payments": _HISTORY,
    "get /api/payment/admin/analytics": _ANALYTICS,
    **{
        f"schemas {name}": _ANALYTICS
        for name in (
            *("AnalyticsAnswer", "DayLine", "FailureLine", "FiguresLine", "PlanLine"),
            *("SumLine", "TriesLine", "TriesUntilSuccess"),
        )
    },
    "get /api/disputes": _HISTORY,
    "get /api/disputes/{dispute_id}": _HISTORY,
    **{
        f"schemas {name}": _HISTORY
        for name in (
            *("PaymentsAnswer", "PaymentView", "RefundLine", "TryLine"),
            *("DisputeAnswer", "DisputesAnswer", "DisputeView"),
            *("AttemptStatus", "DisputeStatus", "PaymentStatus", "RefundState", "RefundStatus"),
        )
    },
    **{
        f"get /api/payment-sessions > {part}": _LISTS
        for part in ("summary", "description", "parameters")
    },
    "get /api/refunds": _REFUNDS,
    "get /api/refunds/{refund_id}": _REFUNDS,
    "post /api/payment/request-refund": _REFUNDS,
    "post /api/payment/admin/process-refund": _REFUNDS,
    "post /api/payments/{any_id}/refunds": _REFUNDS,
    **{
        f"schemas {name}": _REFUNDS
        for name in (
            *("MakeRefund", "ProcessRefund", "RequestRefund"),
            *("RefundAction", "RefundAnswer", "RefundStatus", "RefundView", "RefundsAnswer"),
        )
    },
    "post /api/admin/reviews/{event_id}/reject-and-refund": _GIVEN_BACK,
    **{
        f"schemas {name}": _GIVEN_BACK
        for name in (
            "AcceptReview",
            "SameMoney",
            "DecidedAnswer",
            "Choice",
            "ReviewItem",
        )
    },
    "post /api/admin/reviews/{event_id}/accept > description": _GIVEN_BACK,
    "post /api/admin/reviews/{event_id}/same-money > requestBody": _GIVEN_BACK,
    "get /api/jobs": _LISTED,
    **{f"schemas {name}": _LISTED for name in ("JobView", "JobsAnswer", "RunView")},
    "post /api/jobs/{name} > description": _OWN,
    "post /api/jobs/{name} > responses": _OWN,
    "schemas ReportAnswer > properties": _OWN,
    "schemas ReportAnswer > required": _OWN,
    "get /api/admin/merchants": _MERCHANTS,
    "get /api/admin/merchants/{merchant_id}": _MERCHANTS,
    "put /api/admin/merchants/{merchant_id}": _MERCHANTS,
    "post /api/admin/merchants/{merchant_id}/suspend": _MERCHANTS,
    "post /api/admin/merchants/{merchant_id}/resume": _MERCHANTS,
    **{
        f"schemas {name}": _MERCHANTS
        for name in (
            *("MerchantAnswer", "MerchantView", "MerchantsAnswer", "SuspensionView"),
            *("PutMerchant", "ResumeMerchant", "SuspendMerchant"),
        )
    },
    "get /api/admin/deliveries": _DELIVERIES,
    "post /api/admin/deliveries/{delivery_id}/redeliver": _DELIVERIES,
    **{
        f"schemas {name}": _DELIVERIES
        for name in ("DeliveriesAnswer", "DeliveryAnswer", "DeliveryView")
    },
    "get /api/admin/reviews": _ANY_MERCHANT,
    **{
        f"post /api/admin/reviews/{{event_id}}/{choice} > parameters": _ANY_MERCHANT
        for choice in ("accept", "reject", "same-money")
    },
    "post /api/payment/create-checkout-session > description": _RETURN,
    "post /api/payments/create-checkout > description": _RETURN,
    "get /metrics": _METRICS,
    "get /api/admin/webhook-events/{event_id}/payload": _POSTED,
    "schemas PayloadAnswer": _POSTED,
    "schemas EventView > properties": _POSTED,
    "schemas EventView > required": _POSTED,
    "schemas ReviewItem > properties": _POSTED,
    "schemas ReviewItem > required": _POSTED,
    **{
        f"{method} /api/{path} > description": _BY_HAND
        for method in ("patch", "put")
        for path in ("payment-sessions", "checkout-sessions", "payments/checkout-session")
    },
}

_CHANGELOG = Path(__file__).parents[2] / "CHANGELOG.md"


def _unreleased() -> str:
    text = _CHANGELOG.read_text().partition("## [Unreleased]")[2].partition("\n## [")[0]
    return " ".join(text.split())


def _is_at(difference: str, place: str) -> bool:
    return difference.startswith((f"{place}:", f"{place} >"))


def _not_allowed(found: list[str], allowed: dict[str, str]) -> list[str]:
    return [one for one in found if not any(_is_at(one, place) for place in allowed)]


async def _answered(api: Api) -> Parts:
    document: dict[str, Any] = (await api.http.get("/openapi.json")).json()
    return parts_of(document)


async def test_the_document_is_the_one_that_is_kept(api: Api) -> None:
    answered = await _answered(api)
    if "KEEP_OPENAPI" in os.environ:
        KEPT.write_text(written(answered))
    found = list(differences(kept(), answered))
    assert _not_allowed(found, ALLOWED) == []
    unused = [place for place in ALLOWED if not any(_is_at(one, place) for one in found)]
    assert unused == []


def test_each_difference_is_named_in_the_changelog() -> None:
    assert {place for place, words in ALLOWED.items() if words not in _unreleased()} == set()


def test_the_file_is_in_the_order_that_it_is_written_in() -> None:
    assert KEPT.read_text() == written(kept())


def test_what_says_the_same_in_another_order_is_no_difference() -> None:
    operation = {"parameters": [{"name": "a", "in": "query"}, {"name": "b", "in": "query"}]}
    schema = {"required": ["a", "b"], "properties": {"enum": {"enum": ["x", "y"]}}}
    document = {"paths": {"/a": {"get": operation}}, "components": {"schemas": {"A": schema}}}
    other = copy.deepcopy(document)
    other["paths"]["/a"]["get"]["parameters"].reverse()
    other["components"]["schemas"]["A"]["required"].reverse()
    other["components"]["schemas"]["A"]["properties"]["enum"]["enum"].reverse()
    assert list(differences(parts_of(document), parts_of(other))) == []


def _changed(kind: str) -> Parts:
    """Return what is kept with one change that callers notice."""
    parts = kept()
    operation, schema = parts["post /api/quotes"], parts["schemas Problem"]
    if kind == "route":
        del parts["post /api/quotes"]
    elif kind == "status":
        operation["responses"]["202"] = operation["responses"].pop("200")
    elif kind == "scope":
        operation["security"] = []
    elif kind == "required":
        schema["required"].remove("error")
    elif kind == "type":
        schema["properties"]["status"]["type"] = "string"
    elif kind == "words":
        operation["summary"] += "!"
    elif kind == "number":
        parts["get /api/payment-sessions"]["parameters"]["query userId"]["schema"]["maxLength"] = (
            254
        )
    return parts


_CHANGES = ("route", "status", "scope", "required", "type", "words", "number")


@pytest.mark.parametrize("kind", _CHANGES)
def test_each_change_that_callers_notice_is_found(kind: str) -> None:
    found = list(differences(kept(), _changed(kind)))
    assert _not_allowed(found, {}) != []
    # And found the other way round: what is new is a difference as well as what is gone.
    assert list(differences(_changed(kind), kept())) != []


def test_what_is_allowed_in_one_place_is_not_in_another() -> None:
    found = [*differences(kept(), _changed("scope")), *differences(kept(), _changed("type"))]
    left = _not_allowed(found, {"post /api/quotes > security": ""})
    assert left == list(differences(kept(), _changed("type")))
    assert _not_allowed(found, {"post /api/quote": ""}) == found
