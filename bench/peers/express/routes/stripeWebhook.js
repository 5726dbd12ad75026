// A verified Stripe event: inbox, session, ledger and outbox in one transaction, by Mongoose's own
// helper, which repeats it on transient errors.
import express, { Router } from 'express';
import mongoose from 'mongoose';
import Stripe from 'stripe';
import {
  completion,
  inboxRow,
  isPaid,
  outboxRow,
  paidFilter,
  paymentFilter,
  paymentUpsert,
} from '../../shared/paid.js';
import { OutboxMessage, Payment, PaymentSession, WebhookEvent } from '../models.js';

async function apply(event, raw) {
  const now = new Date();
  if (!isPaid(event)) {
    await WebhookEvent.create(inboxRow(event, raw, 'ignored', now));
    return 'ignored';
  }
  const checkout = event.data.object;
  let outcome;
  await mongoose.connection.transaction(async (tx) => {
    outcome = 'processed';
    const session = await PaymentSession.findOneAndUpdate(
      paidFilter(checkout),
      completion(event, now),
      { returnDocument: 'after', session: tx },
    ).lean();
    if (!session) outcome = 'parked';
    await WebhookEvent.create([inboxRow(event, raw, outcome, now)], { session: tx });
    if (!session) return;
    await Payment.updateOne(paymentFilter(checkout), paymentUpsert(event, session, now), {
      upsert: true,
      session: tx,
    });
    await OutboxMessage.create([outboxRow(session, now)], { session: tx });
  });
  return outcome;
}

export function stripeWebhook(secret) {
  const stripe = new Stripe('sk_test_bench_0123456789');
  const router = Router();
  router.post('/', express.raw({ type: 'application/json', limit: '1mb' }), async (req, res) => {
    let event;
    try {
      event = stripe.webhooks.constructEvent(req.body, req.get('stripe-signature'), secret);
    } catch (error) {
      res.status(400).json({ error: 'invalid_signature', details: error.message });
      return;
    }
    try {
      const outcome = await apply(event, req.body);
      res.json({ received: true, duplicate: false, outcome });
    } catch (error) {
      if (error.code !== 11000) throw error;
      res.json({ received: true, duplicate: true, outcome: 'duplicate' });
    }
  });
  return router;
}
