// Fastify 5 + the native driver + stripe-node: the quick way to write it on Node.
import Fastify from 'fastify';
import { MongoClient } from 'mongodb';
import { config } from '../shared/config.js';
import { startWorkers } from '../shared/workers.js';
import { paymentSessions } from './paymentSessions.js';
import { stripeWebhook } from './stripeWebhook.js';

await startWorkers(config.workers, async () => {
  const client = await new MongoClient(config.mongodbUri).connect();
  // The logger is off, as it is by default.
  const app = Fastify({ bodyLimit: 256 * 1024, forceCloseConnections: true });
  app.decorate('mongo', { client, db: client.db(config.database) });
  app.get('/health/ready', async () => ({ status: 'ready' }));
  app.register(paymentSessions, { prefix: '/api/payment-sessions', secretKeys: config.secretKeys });
  app.register(stripeWebhook, {
    prefix: '/api/webhooks/stripe',
    secret: config.stripeWebhookSecret,
  });
  await app.listen({ port: config.port, host: config.host });
  return async () => {
    await app.close();
    await client.close();
  };
});
