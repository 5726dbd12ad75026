"""How a subscription must stand, day by day, in as plain words as there are."""

from dataclasses import dataclass, field

PRICES = {"basic": 999, "premium": 2999}
TRIES_ON = (0, 3, 5, 7)
"""The days after the end of a period on which its renewal is tried."""
MONTH = 30


@dataclass
class Oracle:
    """A subscription in days since it began; what it was paid stands in `paid`, in minor units."""

    day: int = 0
    status: str = "active"
    plan: str = "basic"
    ends: int = MONTH
    ending: bool = False
    card_is_good: bool = True
    owed_from: int | None = None
    due: int = 0
    tries: int = 0
    extra: int = 0
    paid: list[int] = field(default_factory=lambda: [PRICES["basic"]])
    becomes_inactive: int = 0

    @property
    def over(self) -> bool:
        """Return whether it has ended."""
        return self.status == "canceled"

    def pass_days(self, days: int) -> None:
        """Let days pass, one at a time."""
        for _ in range(days):
            self.day += 1
            if self.over:
                return
            if self.owed_from is not None:
                if self.day - self.owed_from in TRIES_ON[1:]:
                    self._try()
            elif self.day == self.ends:
                self._renew()

    def _renew(self) -> None:
        if self.ending:
            self.end()
            return
        self.due, self.extra = PRICES[self.plan] + self.extra, 0
        self.tries, self.owed_from = 0, self.day
        self.ends = self.day + MONTH
        if self.due <= 0:
            self.extra, self.due = self.due, 0
        self._try()

    def _try(self) -> None:
        self.tries += 1
        if self.card_is_good or not self.due:
            if self.due:
                self.paid.append(self.due)
            self.status, self.owed_from, self.tries = "active", None, 0
        elif self.tries == len(TRIES_ON):
            self.end()
        else:
            self.status = "past_due"

    def end(self) -> None:
        """End it now."""
        self.status, self.becomes_inactive, self.owed_from = "canceled", 1, None

    def change(self, plan: str) -> None:
        """Change the plan; the days that are left are reckoned up, down to a whole minor unit."""
        left = max(0, self.ends - self.day)
        self.extra += (PRICES[plan] - PRICES[self.plan]) * left // MONTH
        self.plan = plan
