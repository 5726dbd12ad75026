"""What a session must do, in plain words: no database, no transactions, no races."""

from dataclasses import dataclass, field
from datetime import datetime, timedelta

ENDED = {"completed", "failed", "expired", "canceled"}
SETTLED = {"completed", "canceled"}
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
    word: str | None = None
    revived: str | None = None
    paid_by: str | None = None
    reviews: int = 0
    gone: bool = False
    ledger: dict[str, tuple[int, int, int, str]] = field(default_factory=dict)
    seen: set[Told] = field(default_factory=set)

    @property
    def standing(self) -> str:
        """Return the state that a reader sees."""
        late = self.status == "pending" and self.expires_at <= self.now
        return "expired" if late else self.status

    def move(self, to: str) -> None:
        """Enter a state."""
        if to == "processing":
            self.revived = self.standing if self.standing in ENDED else None
        self.status = to
        ended = to in ENDED
        self.purge_at = self.now + KEPT.get(to, timedelta(days=7)) if ended else None
        if ended:
            self.live = set()
        if to in SETTLED:
            self.word = None

    def stand(self) -> None:
        """Go where the facts are: money under way, then the last word on the checkout."""
        if self.live:
            to = "processing"
        elif self.status == "processing":
            over = "expired" if self.expires_at <= self.now else "pending"
            to = self.word or self.revived or over
        else:
            to = self.word or self.status
        if to != self.status:
            self.move(to)

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
            self._gone_on(told)
            return
        self.paid_by = told.payment
        self.move("completed")

    def _authorized(self, told: Told) -> None:
        if self._now(told.payment) == "authorized" and self.status not in SETTLED:
            if told.payment not in self.live:
                self.live.add(told.payment)
                self.stand()
        else:
            self._gone_on(told)

    def _failed(self, told: Told) -> None:
        if self._now(told.payment) != "authorized":
            self._gone_on(told)

    def _gone_on(self, told: Told) -> None:
        if told.payment in self.live:
            self.live.discard(told.payment)
            self.stand()

    def _expired(self, told: Told) -> None:
        if self.status not in SETTLED and self.word is None:
            self.word = "expired"
            self.stand()

    def _cancelled(self, told: Told) -> None:
        if self.status not in SETTLED and self.word != "failed":
            self.word = "failed"
            self.stand()

    def by_hand(self, to: str) -> bool:
        """Change the state by hand; return whether it is allowed."""
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
        held = any(place[3] == "authorized" for place in self.ledger.values())
        self.gone = self.gone or (over and not self.reviews and not held)
