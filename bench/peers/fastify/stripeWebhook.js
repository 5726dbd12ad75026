// A verified Stripe event: inbox, session, ledger and outbox in one transaction of the driver.
import Stripe from 'stripe';
import {
  completion,
  inboxRow,
  isPaid,
  outboxRow,
  paidFilter,
  paymentFilter,
  paymentUpsert,
} from '../shared/paid.js';
import { webhookAnswer } from './schemas.js';

async function apply({ client, db }, event, raw) {
  const now = new Date();
  if (!isPaid(event)) {
    await db.collection('webhook_events').insertOne(inboxRow(event, raw, 'ignored', now));
    return 'ignored';
  }
  const checkout = event.data.object;
  return client.withSession((tx) =>
    tx.withTransaction(async () => {
      const session = await db
        .collection('sessions')
        .findOneAndUpdate(paidFilter(checkout), completion(event, now), {
          returnDocument: 'after',
          session: tx,
        });
      const outcome = session ? 'processed' : 'parked';
      await db
        .collection('webhook_events')
        .insertOne(inboxRow(event, raw, outcome, now), { session: tx });
      if (!session) return outcome;
      await db
        .collection('payments')
        .updateOne(paymentFilter(checkout), paymentUpsert(event, session, now), {
          upsert: true,
          session: tx,
        });
      await db.collection('outbox').insertOne(outboxRow(session, now), { session: tx });
      return outcome;
    }),
  );
}

export async function stripeWebhook(app, { secret }) {
  const stripe = new Stripe('sk_test_bench_0123456789');
  // The signature covers the raw bytes: this plugin's own parser leaves them as they are.
  app.removeContentTypeParser('application/json');
  app.addContentTypeParser('application/json', { parseAs: 'buffer' }, (request, body, done) =>
    done(null, body),
  );
  app.post('/', { schema: { response: { 200: webhookAnswer } } }, async (request, reply) => {
    let event;
    try {
      const signature = request.headers['stripe-signature'];
      event = stripe.webhooks.constructEvent(request.body, signature, secret);
    } catch (error) {
      return reply.code(400).send({ error: 'invalid_signature', details: error.message });
    }
    try {
      const outcome = await apply(app.mongo, event, request.body);
      return { received: true, duplicate: false, outcome };
    } catch (error) {
      if (error.code !== 11000) throw error;
      return { received: true, duplicate: true, outcome: 'duplicate' };
    }
  });
}
