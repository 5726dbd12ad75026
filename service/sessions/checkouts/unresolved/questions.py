"""Put questions to the providers, within a time, and gather what they answer."""

import asyncio
from collections import Counter
from collections.abc import Iterable

import structlog

from service.core.batches import Until
from service.core.errors import ProviderFailed, ProviderUnreachable
from service.inbox.operations.inbox import Arrival
from service.inbox.operations.receive import take_in
from service.payments.payments.documents import Payment
from service.providers.base import AnswersFetches, VerifiedEvent
from service.providers.facts import CheckoutOpen, PaymentAuthorized, PaymentProcessing
from service.sessions.checkouts.services import CheckoutServices

ASK_WITHIN_S = 2.0
# A provider that has not answered so often in a row is not asked again by the same run.
_ENOUGH = 3

log = structlog.get_logger(__name__)


class Answers:
    """What came of some questions: by reference the events, and those that nobody could tell about.

    `refused` are those of which the provider says that it knows nothing, `silent` those on which it
    did not answer, or which nobody can be asked about. What there was no time for is in neither.
    """

    def __init__(self, events: dict[str, VerifiedEvent] | None = None) -> None:
        """Begin with the events that are known already."""
        self.events = events or {}
        self.refused: set[str] = set()
        self.silent: set[str] = set()

    @property
    def under_way(self) -> set[str]:
        """Return the ids of the payments of which an answer says that they are under way."""
        return {
            fact.payment.provider_payment_id
            for event in self.events.values()
            for fact in event.facts
            if isinstance(fact, PaymentProcessing | PaymentAuthorized)
        }

    def __contains__(self, payment: Payment) -> bool:
        """Return whether an answer says that a payment is under way."""
        return payment.provider_payment_id in self.under_way

    def cover(self, refs: Iterable[str]) -> bool:
        """Return whether each of these references was asked about, whatever came of it."""
        return set(refs) <= self.events.keys() | self.refused | self.silent


class Questions:
    """The questions of one run, which ends at `until`."""

    def __init__(self, services: CheckoutServices, until: Until) -> None:
        """Begin with every provider taken to answer."""
        self.services = services
        self.until = until
        self.unanswered: Counter[str] = Counter()

    @property
    def over(self) -> bool:
        """Return whether there is no time for more."""
        return self.until.over

    async def ask(self, provider: str, refs: Iterable[str]) -> Answers:
        """Ask a provider about checkouts and payments, one after the other."""
        answers = Answers()
        for ref in refs:
            if self.over:
                break
            await self._ask(provider, ref, answers)
        return answers

    async def _ask(self, name: str, ref: str, answers: Answers) -> None:
        provider = self.services.providers.get(name)
        given_up = self.unanswered[name] >= _ENOUGH
        if provider is None or not isinstance(provider, AnswersFetches) or given_up:
            answers.silent.add(ref)
            return
        try:
            async with asyncio.timeout(ASK_WITHIN_S):
                answers.events[ref] = await provider.fetch(ref)
        except (ProviderFailed, TimeoutError) as error:
            (answers.refused if _is_refusal(error) else answers.silent).add(ref)
            unreachable = isinstance(error, ProviderUnreachable | TimeoutError)
            self.unanswered[name] += unreachable
            log.warning("nobody tells how it stands", provider=name, ref=ref, reason=str(error))
        else:
            self.unanswered[name] = 0


async def take_answers(answers: Answers, merchant_id: str, services: CheckoutServices) -> None:
    """Take in what the answers tell; "still open" is no news to keep."""
    for event in answers.events.values():
        if not all(isinstance(fact, CheckoutOpen) for fact in event.facts):
            await take_in(Arrival(event, "fetch", asked_for=merchant_id), services.inbox)


def _is_refusal(error: Exception) -> bool:
    """Return whether the provider knows nothing; one that can be asked again has not said so."""
    return isinstance(error, ProviderFailed) and error.definite and error.retry_after is None
