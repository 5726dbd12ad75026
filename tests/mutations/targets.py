"""Which files are broken, and which tests must notice: quick ones first, each by itself enough."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Target:
    """A module, the tests that concern it, and the functions that count (all, where none)."""

    module: str
    tests: tuple[str, ...]
    within: tuple[str, ...] = ()

    @property
    def path(self) -> str:
        """Return the file of the module."""
        return self.module.replace(".", "/") + ".py"


_EMPTY = "tests/providers/test_empty_secrets.py"
_LEDGER = "tests/payments/test_ledger.py"

TARGETS = {
    "stripe": Target(
        "service.providers.stripe.verify", ("tests/providers/stripe/test_verify.py", _EMPTY)
    ),
    "razorpay": Target(
        "service.providers.razorpay.verify", ("tests/providers/razorpay/test_verify.py", _EMPTY)
    ),
    "phonepe": Target(
        "service.providers.phonepe.verify", ("tests/providers/phonepe/test_verify.py", _EMPTY)
    ),
    "signing": Target(
        "service.providers.signing",
        (
            "tests/providers/test_signing.py",
            _EMPTY,
            "tests/providers/stripe/test_verify.py",
            "tests/providers/razorpay/test_verify.py",
            "tests/providers/phonepe/test_verify.py",
        ),
    ),
    "sessions": Target(
        "service.sessions.states",
        (
            "tests/sessions/test_standing.py",
            "tests/effects/test_states.py",
            "tests/effects/test_late.py",
        ),
    ),
    "payments": Target(
        "service.payments.payments.states",
        ("tests/payments/test_standing.py", _LEDGER, "tests/payments/test_details.py"),
    ),
    "ledger": Target(
        "service.payments.payments.operations.merging",
        (
            _LEDGER,
            "tests/payments/test_details.py",
            "tests/inbox/test_rows.py",
            "tests/effects/test_order.py",
        ),
        (
            *("new_row_of", "changes_by", "changes_said", "capped", "marked"),
            *("standing_of", "_said", "_content", "failure_of", "details_changed"),
            *("_details_of", "_aliases"),
        ),
    ),
    "complete": Target(
        "service.sessions.operations.moving.complete",
        ("tests/sessions/test_completion.py", "tests/effects/test_late.py"),
    ),
    "match": Target(
        "service.effects.matching",
        (
            "tests/effects/test_meant.py",
            "tests/effects/test_matching.py",
            "tests/effects/test_references.py",
            "tests/effects/test_hostile_ids.py",
            "tests/effects/test_ownership.py",
            "tests/effects/test_unknown_checkouts.py",
            "tests/retention/test_purging.py",
            "tests/tenants/test_tenants.py",
        ),
    ),
    "own": Target(
        "service.effects.ownership",
        (
            "tests/effects/test_ownership.py",
            "tests/effects/test_foreign_payments.py",
            "tests/effects/test_unknown_checkouts.py",
            "tests/effects/test_ids_taken_anew.py",
            "tests/reviews/test_same_money.py",
        ),
    ),
}
