"""What a session must do, in plain words: no database, no transactions, no races."""

from dataclasses import dataclass, field
from datetime import datetime, timedelta

ENDED = {"completed", "failed", "expired", "canceled"}
MINUTES_30 = timedelta(minutes=30)
KEPT = {"completed": timedelta(days=90)}


@dataclass(frozen=True)
class Told:
    """One event: its kind, the payment that it is about, and its second at the provider."""

    kind: str
    payment: str = ""
    at: int = 0
    fits: bool = True


@dataclass
class Model:
    """One session, and all money that was ever told of for it."""

    now: datetime
    expires_at: datetime
    status: str = "pending"
    purge_at: datetime | None = None
    live: set[str] = field(default_factory=set)
    ran_out: bool = False
    paid_by: str | None = None
    reviews: int = 0
    gone: bool = False
    ledger: dict[str, tuple[int, int, int, str]] = field(default_factory=dict)
    seen: set[Told] = field(default_factory=set)

    @property
    def standing(self) -> str:
        """Give the state that a reader sees."""
        late = self.status == "pending" and self.expires_at <= self.now
        return "expired" if late else self.status

    def move(self, to: str) -> None:
        """Enter a state."""
        self.status = to
        ended = to in ENDED
        self.purge_at = self.now + KEPT.get(to, timedelta(days=7)) if ended else None
        if ended:
            self.live, self.ran_out = set(), False

    def tell(self, told: Told) -> None:
        """Hear an event; a second time it says nothing."""
        if told in self.seen and not self.gone:
            return
        self.seen.add(told)
        if told.payment:
            self._record(told)
        if not self.gone:
            getattr(self, f"_{told.kind}")(told)

    def _record(self, told: Told) -> None:
        place = {
            "authorized": (1, told.at, 1, "authorized"),
            "failed": (1, told.at, 2, "failed"),
            "captured": (3, told.at, 3, "succeeded"),
        }[told.kind]
        self.ledger[told.payment] = max(place, self.ledger.get(told.payment, place))

    def _now(self, payment: str) -> str:
        return self.ledger[payment][3]

    def _captured(self, told: Told) -> None:
        if self.status == "completed" and self.paid_by == told.payment:
            return
        if not told.fits or self.status == "completed":
            self.reviews += 1
            return
        self.paid_by = told.payment
        self.move("completed")

    def _authorized(self, told: Told) -> None:
        if self._now(told.payment) != "authorized":
            return
        if self.standing in {"pending", "processing"}:
            self.live.add(told.payment)
            self.status = "processing"

    def _failed(self, told: Told) -> None:
        if self._now(told.payment) != "failed" or told.payment not in self.live:
            return
        self.live.discard(told.payment)
        if not self.live:
            self.move("expired" if self.ran_out else "pending")

    def _expired(self, told: Told) -> None:
        if self.live:
            self.ran_out = True
        elif self.status == "pending":
            self.move("expired")

    def _cancelled(self, told: Told) -> None:
        if self.status in {"pending", "processing"}:
            self.move("failed")

    def by_hand(self, to: str) -> bool:
        """Change the state by hand; tell whether it is allowed."""
        if to == self.standing:
            return True
        allowed = {
            "canceled": {"pending"},
            "completed": {"pending", "processing", "failed", "expired", "canceled"},
            "pending": {"failed", "expired"},
        }
        if self.standing not in allowed[to]:
            return False
        if to == "pending":
            self.expires_at = self.now + MINUTES_30
        if to == "completed":
            self.paid_by = "hand"
            self.ledger["hand"] = (3, 0, 3, "succeeded")
        self.move(to)
        return True

    def clean_up(self) -> None:
        """Expire and delete what is due."""
        if self.status == "pending" and self.expires_at <= self.now:
            self.move("expired")
        over = self.purge_at is not None and self.purge_at <= self.now
        self.gone = self.gone or (over and not self.reviews)
