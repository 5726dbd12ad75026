"""Named queries over payments, refunds, disputes and failed tries."""

from service.payments.history.repository.figures import (
    DisputeSum,
    Grouped,
    Range,
    RefundSum,
    TriesSum,
    count_payments,
    sum_disputes,
    sum_payments,
    sum_refunds,
    sum_tries,
)
from service.payments.history.repository.reading import (
    DisputeFilter,
    PaymentFilter,
    count,
    find_dispute,
    page_of_changed_payments,
    page_of_disputes,
    page_of_payments,
    payments_by_keys,
    payments_that_came_back,
)

__all__ = [
    "DisputeFilter",
    "DisputeSum",
    "Grouped",
    "PaymentFilter",
    "Range",
    "RefundSum",
    "TriesSum",
    "count",
    "count_payments",
    "find_dispute",
    "page_of_changed_payments",
    "page_of_disputes",
    "page_of_payments",
    "payments_by_keys",
    "payments_that_came_back",
    "sum_disputes",
    "sum_payments",
    "sum_refunds",
    "sum_tries",
]
