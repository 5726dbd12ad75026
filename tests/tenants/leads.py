"""Calls on leads that name what is another merchant's."""

from typing import Any

PLAN = "plan_of_alpha"
LEAD = {"planName": PLAN, "amount": 5, "sessionId": "a-journey"}
LEAD |= {"feedback": "words-of-alpha", "userEmail": "ada@alpha.example"}
_FILTERS: list[dict[str, Any]] = [
    *({}, {"sessionId": "a-journey"}, {"userEmail": "ada@alpha.example"}, {"planName": PLAN}),
]
_FOUND = (200,)
Probed = tuple[dict[str, Any], dict[str, str], tuple[int, ...]]
"""What is sent, what stands in the path, and the statuses that may be answered."""


def calls_on_leads(intent_id: str) -> dict[str, list[Probed]]:
    """Return, for each route of leads, calls as `Probe` takes them."""
    path = "/api/payment-intent"
    lead = {"planName": PLAN, "amount": 5, "sessionId": "a-journey"}
    bodies = [*({"filters": one} for one in _FILTERS), {"download": True}, {"format": "csv"}]
    return {
        f"post {path}": [({"json": lead}, {}, (201,))],
        f"get {path}/query": [({"params": one}, {}, _FOUND) for one in _FILTERS],
        f"post {path}/query": [({"json": one}, {}, _FOUND) for one in bodies],
        f"get {path}/analytics": [({}, {}, _FOUND)],
        f"get {path}/cleanup": [({}, {}, _FOUND)],
        f"post {path}/cleanup": [({"json": {"dryRun": False}}, {}, _FOUND)],
        f"delete {path}/cleanup": [({"params": {"confirm": "yes"}}, {}, _FOUND)],
        f"delete {path}/{{intent_id}}": [({}, {"intent_id": intent_id}, (404,))],
    }
