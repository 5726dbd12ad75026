// What a paid Stripe Checkout changes: the same documents in every Node peer.
import { MERCHANT, PURGE_COMPLETED_DAYS } from './config.js';

const DAY_MS = 24 * 3600 * 1000;

export const OPEN = ['pending', 'processing'];

export function isPaid(event) {
  return (
    event.type === 'checkout.session.completed' && event.data.object.payment_status === 'paid'
  );
}

export function inboxRow(event, raw, status, now) {
  return {
    _id: `stripe:own:test:${event.id}`,
    merchantId: MERCHANT,
    provider: 'stripe',
    account: 'own',
    live: event.livemode,
    eventId: event.id,
    type: event.type,
    status,
    sessionId: event.data.object.metadata?.sessionId ?? null,
    payload: raw,
    occurredAt: new Date(event.created * 1000),
    receivedAt: now,
    processedAt: now,
    attempts: 1,
    purgeAt: new Date(now.getTime() + PURGE_COMPLETED_DAYS * DAY_MS),
  };
}

// Amount and currency are part of the filter: what was not asked for completes nothing.
export function paidFilter(checkout) {
  return {
    merchantId: MERCHANT,
    sessionId: checkout.metadata.sessionId,
    provider: 'stripe',
    status: { $in: OPEN },
    amount: checkout.amount_total,
    currency: checkout.currency.toUpperCase(),
  };
}

export function completion(event, now) {
  const checkout = event.data.object;
  return {
    $set: {
      status: 'completed',
      completedAt: now,
      updatedAt: now,
      purgeAt: new Date(now.getTime() + PURGE_COMPLETED_DAYS * DAY_MS),
      providerSessionId: checkout.id,
      providerPaymentId: checkout.payment_intent,
    },
    $push: {
      history: { at: now, from: 'pending', to: 'completed', by: 'stripe', eventId: event.id },
    },
    $inc: { version: 1 },
  };
}

// `$type` in the words of the partial index: an equality alone is not seen to be within it, and every
// payment would read the whole ledger.
export function paymentFilter(checkout) {
  return {
    provider: 'stripe',
    account: 'own',
    providerPaymentId: { $eq: checkout.payment_intent, $type: 'string' },
  };
}

export function paymentUpsert(event, session, now) {
  const checkout = event.data.object;
  return {
    $set: {
      status: 'succeeded',
      statusAt: new Date(event.created * 1000),
      amount: checkout.amount_total,
      currency: checkout.currency.toUpperCase(),
      updatedAt: now,
    },
    $setOnInsert: {
      merchantId: MERCHANT,
      live: event.livemode,
      providerSessionId: checkout.id,
      sessionId: session.sessionId,
      userId: session.userId,
      metadata: checkout.metadata,
      createdAt: now,
    },
  };
}

export function outboxRow(session, now) {
  return {
    _id: `session.completed:${MERCHANT}:${session.sessionId}:${session.version}`,
    merchantId: MERCHANT,
    topic: 'session.completed',
    sessionId: session.sessionId,
    payload: { status: 'completed', amount: session.amount, currency: session.currency },
    status: 'pending',
    attempts: 0,
    createdAt: now,
    nextAttemptAt: now,
    purgeAt: new Date(now.getTime() + PURGE_COMPLETED_DAYS * DAY_MS),
  };
}
