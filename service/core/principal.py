"""Who calls: a key of one of four kinds, or an end user with a token; and what each may do."""

from collections.abc import Mapping
from enum import StrEnum

from msgspec import Struct
from msgspec.structs import replace

# Keys of the environment and tokens belong to this merchant, and it alone has the operator's keys.
DEFAULT_MERCHANT = "default"


class Kind(StrEnum):
    """What a caller is; the value is the one that documents and logs carry."""

    PUBLISHABLE = "publishable"
    SECRET = "secret"  # noqa: S105 - a kind of key, not one
    ADMIN = "admin"
    JOBS = "jobs"
    USER = "user"


class AccessScope(StrEnum):
    """What a key may do; each route names those that it needs.

    `operator` comes on top where a route acts on all merchants at once.
    """

    SESSIONS_READ = "sessions:read"
    SESSIONS_WRITE = "sessions:write"
    TIMELINES_READ = "timelines:read"
    WEBHOOKS_READ = "webhooks:read"
    WEBHOOKS_REPLAY = "webhooks:replay"
    WEBHOOKS_PAYLOAD = "webhooks:payload"
    DELIVERIES_READ = "deliveries:read"
    DELIVERIES_REDELIVER = "deliveries:redeliver"
    PAYMENTS_READ = "payments:read"
    ANALYTICS_READ = "analytics:read"
    ANALYTICS_WRITE = "analytics:write"
    PAYMENTS_SEARCH = "payments:search"
    LEDGER_READ = "ledger:read"
    DISPUTES_READ = "disputes:read"
    EVIDENCE_READ = "evidence:read"
    INTENTS_READ = "intents:read"
    INTENTS_WRITE = "intents:write"
    REVIEWS_READ = "reviews:read"
    REVIEWS_DECIDE = "reviews:decide"
    REFUNDS_READ = "refunds:read"
    REFUNDS_REQUEST = "refunds:request"
    REFUNDS_APPROVE = "refunds:approve"
    SUBSCRIPTIONS_READ = "subscriptions:read"
    SUBSCRIPTIONS_WRITE = "subscriptions:write"
    PRICES_READ = "prices:read"
    PRICES_WRITE = "prices:write"
    AUDIT_READ = "audit:read"
    MERCHANTS_READ = "merchants:read"
    MERCHANTS_WRITE = "merchants:write"
    EVENTS_READ = "events:read"
    MAIL_READ = "mail:read"
    MAIL_WRITE = "mail:write"
    ENDPOINTS_READ = "endpoints:read"
    ENDPOINTS_WRITE = "endpoints:write"
    RECOVERY_READ = "recovery:read"
    RECOVERY_WRITE = "recovery:write"
    JOBS_RUN = "jobs:run"
    METRICS_READ = "metrics:read"
    ALERTS_READ = "alerts:read"
    ALERTS_WRITE = "alerts:write"
    OPERATOR = "operator"


# A lead is left with `intents:write` alone; who reads or deletes some needs `intents:read`, too.
_BROWSER = frozenset(
    {AccessScope.SESSIONS_READ, AccessScope.SESSIONS_WRITE, AccessScope.INTENTS_WRITE}
)

_LEDGER = frozenset(
    {
        AccessScope.PAYMENTS_READ,
        AccessScope.LEDGER_READ,
        AccessScope.DISPUTES_READ,
        AccessScope.EVIDENCE_READ,
    }
)

_REFUNDS = frozenset(
    {AccessScope.REFUNDS_READ, AccessScope.REFUNDS_REQUEST, AccessScope.REFUNDS_APPROVE}
)

_SUBSCRIPTIONS = frozenset({AccessScope.SUBSCRIPTIONS_READ, AccessScope.SUBSCRIPTIONS_WRITE})

# The kinds are bundles of scopes. Further routes bring their own into them.
BUNDLES: Mapping[Kind, frozenset[AccessScope]] = {
    Kind.PUBLISHABLE: _BROWSER,
    Kind.USER: _BROWSER | _SUBSCRIPTIONS | {AccessScope.PAYMENTS_READ, AccessScope.REFUNDS_REQUEST},
    Kind.SECRET: _BROWSER
    | _LEDGER
    | _REFUNDS
    | _SUBSCRIPTIONS
    | {AccessScope.TIMELINES_READ, AccessScope.EVENTS_READ, AccessScope.ANALYTICS_WRITE},
    Kind.ADMIN: frozenset(AccessScope) - {AccessScope.SESSIONS_WRITE},
    Kind.JOBS: frozenset({AccessScope.JOBS_RUN, AccessScope.OPERATOR}),
}

_OF_OTHERS = {kind: bundle - {AccessScope.OPERATOR} for kind, bundle in BUNDLES.items()}


def bundle_of(kind: Kind, merchant_id: str) -> frozenset[AccessScope]:
    """Return all that a kind of caller may do; what is global, only of the operator's merchant."""
    return BUNDLES[kind] if merchant_id == DEFAULT_MERCHANT else _OF_OTHERS[kind]


class Principal(Struct, frozen=True):
    """A caller whose credential was checked.

    `key_id` is the first 12 hex digits of the key's SHA-256, never the key; for a user it is
    derived from the user id. `user_id` is the `sub` of a token, and None for a key; `email` is the
    address that a token says was verified. `granted` are the scopes that a key was issued with,
    None for all of its kind.
    """

    kind: Kind
    merchant_id: str
    key_id: str
    name: str | None = None
    user_id: str | None = None
    email: str | None = None
    granted: frozenset[AccessScope] | None = None
    client: str | None = None
    """Names the address from which the caller acts, by a keyed hash; for the audit."""

    @property
    def label(self) -> str:
        """Return what names the caller: `secret:ops`, `admin:3fa9c1…`, `user:<id>`."""
        return f"{self.kind}:{self.user_id or self.name or self.key_id}"

    @property
    def scopes(self) -> frozenset[AccessScope]:
        """Return what the caller may do: never more than its kind and its merchant have."""
        bundle = bundle_of(self.kind, self.merchant_id)
        return bundle if self.granted is None else bundle & self.granted

    def acting_for(self, merchant_id: str) -> "Principal":
        """Return the caller as acting for a merchant, in whose trail the act is recorded."""
        return replace(self, merchant_id=merchant_id)
