"""Every route of figures: B reads its own, of whatever A has nothing."""

from typing import Any

_ROUTES = (
    *("realtime", "dashboard", "peak-times", "success-rate", "failures", "latency", "geography"),
    *("checkouts", "webhook-metrics", "overview", "revenue", "transactions", "top-resources"),
    *("payment-methods", "customers", "exports/transactions", "exports/accounting"),
    *("reports/monthly", "reports/weekly", "reports", "funnel", "anomalies", "cohorts", "forecast"),
)
BASE = "/api/v1/analytics"
Probed = tuple[dict[str, Any], dict[str, str], tuple[int, ...]]


def figures() -> dict[str, list[Probed]]:
    """Return the calls to the routes of figures."""
    own: Probed = ({}, {}, (200,))
    found = {f"get {BASE}/{route}": [own] for route in _ROUTES}
    trends: list[Probed] = [({}, {"period": one}, (200,)) for one in ("today", "week", "month")]
    files: list[Probed] = [({"params": {"format": "json"}}, {}, (200,))]
    found[f"get {BASE}/exports/transactions"] += files
    tracked = {"json": {"type": "resource_access", "resourceUrl": "https://beta.example/x"}}
    found[f"get {BASE}/events"] = [own]
    found[f"post {BASE}/events"] = [(tracked, {}, (201,))]
    return found | {f"get {BASE}/trends/{{period}}": trends}
