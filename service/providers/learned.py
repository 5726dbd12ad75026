"""An event, and what its provider said of its payment's checkout when it was asked."""

from msgspec import structs

from service.providers.base import VerifiedEvent
from service.providers.facts import Fact, PaymentFact, Subject
from service.providers.reading import distinct


def with_learned(event: VerifiedEvent, learned: Subject) -> VerifiedEvent:
    """Return the event with what its provider said of its payment's checkout, when it was asked."""
    known = event.subject
    subject = Subject(
        checkout_refs=distinct(*known.checkout_refs, *learned.checkout_refs),
        object_ids=distinct(*known.object_ids, *learned.object_ids),
        sent_ids=distinct(*known.sent_ids, *learned.sent_ids),
        merchant_id=known.merchant_id or learned.merchant_id,
        attempt_ids=distinct(*known.attempt_ids, *learned.attempt_ids),
        references=distinct(*known.references, *learned.references),
        subscription_id=known.subscription_id or learned.subscription_id,
        renews=known.renews or learned.renews,
    )
    facts = tuple(_of_subscription(fact, subject.subscription_id) for fact in event.facts)
    return structs.replace(event, subject=subject, facts=facts, learned=learned)


def _of_subscription(fact: Fact, subscription_id: str | None) -> Fact:
    """Return a fact with the subscription whose invoice its payment pays."""
    if subscription_id is None or not isinstance(fact, PaymentFact):
        return fact
    payment = structs.replace(fact.payment, subscription_id=subscription_id)
    return structs.replace(fact, payment=payment)
