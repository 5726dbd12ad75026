"""Ask the providers, within a time limit, and collect their answers."""

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
# A provider that has failed to answer this often in a row is not asked again in the same run.
_ENOUGH = 3

log = structlog.get_logger(__name__)


class Answers:
    """The answers to some questions: the events by reference, and the references without one.

    `refused` holds those that the provider says it does not know, `silent` those on which it did
    not answer, or which no provider can be asked about. What there was no time for is in neither.
    """

    def __init__(self, events: dict[str, VerifiedEvent] | None = None) -> None:
        """Begin with the events that are known already."""
        self.events = events or {}
        self.refused: set[str] = set()
        self.silent: set[str] = set()

    @property
    def under_way(self) -> set[str]:
        """Return the ids of the payments that an answer reports as under way."""
        return {
            fact.payment.provider_payment_id
            for event in self.events.values()
            for fact in event.facts
            if isinstance(fact, PaymentProcessing | PaymentAuthorized)
        }

    def __contains__(self, payment: Payment) -> bool:
        """Return whether an answer reports a payment as under way."""
        return payment.provider_payment_id in self.under_way

    def cover(self, refs: Iterable[str]) -> bool:
        """Return whether each of these references was asked about, whatever the answer."""
        return set(refs) <= self.events.keys() | self.refused | self.silent


class Questions:
    """Asks the providers during one run, which ends at `until`."""

    def __init__(self, services: CheckoutServices, until: Until) -> None:
        """Begin with no provider marked as silent."""
        self.services = services
        self.until = until
        self.unanswered: Counter[str] = Counter()

    @property
    def over(self) -> bool:
        """Return whether the time is up."""
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
    """Apply what the answers report; "still open" is not worth storing."""
    for event in answers.events.values():
        if not all(isinstance(fact, CheckoutOpen) for fact in event.facts):
            await take_in(Arrival(event, "fetch", asked_for=merchant_id), services.inbox)


def _is_refusal(error: Exception) -> bool:
    """Return whether the provider does not know it; an error worth retrying does not say so."""
    return isinstance(error, ProviderFailed) and error.definite and error.retry_after is None
