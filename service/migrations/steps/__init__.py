"""The migrations, one file each, in the order of their numbers.

A step describes the layouts before and after it in words of its own, and does not use documents of
today: those go on changing. It may be killed at any moment and begun again, and finds what is left
to do by what is not yet there.
"""

from collections.abc import Sequence

from service.migrations.steps import (
    counted,
    details,
    digests,
    figures,
    inbox,
    indexes,
    leads,
    leases,
    lists,
    merchants,
    money_back,
    outbox,
    owners,
    payments,
    plans,
    recounts,
    sessions,
    sweeps,
    told,
    vouched,
)
from service.migrations.steps.step import Step

STEPS: Sequence[Step] = (
    Step(1, "sessions: who opened them, ids of checkouts, decisions", sessions.left, sessions.run),
    Step(2, "payments: the merchant in keys of settlements by hand", payments.left, payments.run),
    Step(3, "webhook_events: Razorpay's by the hash of their bodies", inbox.left, inbox.run),
    Step(4, "indexes: what is replaced is dropped", indexes.left, indexes.run),
    Step(5, "merchants: a document for each that is named", merchants.left, merchants.run),
    Step(6, "webhook_events: the lease of a retry", leases.left, leases.run),
    Step(7, "outbox: deliveries to subscribers", outbox.left, outbox.run),
    Step(8, "payments: details; sessions: a title", details.left, details.run),
    Step(9, "payments: sums of refunds and disputes", money_back.left, money_back.run),
    Step(10, "indexes: those of lists end in the key", lists.left, lists.run),
    Step(11, "payments: who opened their session", owners.left, owners.run),
    Step(12, "sessions, payments, refunds: the database's time", sweeps.left, sweeps.run),
    Step(13, "merchants: whom mail goes to, and which alerts are off", told.left, told.run),
    Step(14, "sessions: the lead that they follow", leads.left, leads.run),
    Step(15, "disputes, failed tries: the database's time", figures.left, figures.run),
    Step(16, "prices: the providers' prices of plans", plans.left, plans.run),
    Step(17, "sessions: who vouches for the address", vouched.left, vouched.run),
    Step(18, "merchants: whether they are mailed about leads", digests.left, digests.run),
    Step(19, "events, deliveries: whether they are counted anew", recounts.left, recounts.run),
    Step(20, "indexes: those that are counted by", counted.left, counted.run),
)
"""Every migration; numbers go up by one and are never used again."""
