// Production settings come from NODE_ENV=production. No compression and no access log: Express'
// guide leaves the first to the proxy, and has no second. Kept-alive connections are Node's default.
// The ETag that Express computes by default is off: no caller of a payment API asks for one, and
// it would only cost time.
import express from 'express';
import { keyCheck } from '../shared/keys.js';
import { paymentSessions } from './routes/paymentSessions.js';
import { stripeWebhook } from './routes/stripeWebhook.js';

function requireKey(secretKeys) {
  const isKnown = keyCheck(secretKeys);
  return (req, res, next) => {
    if (isKnown(req.get('authorization'))) return next();
    return res.status(401).json({ error: 'unauthorized', details: 'A known API key is needed' });
  };
}

export function buildApp({ secretKeys, stripeWebhookSecret }) {
  const app = express();
  app.disable('x-powered-by');
  app.disable('etag');

  app.get('/health/ready', (req, res) => res.json({ status: 'ready' }));
  // The signature covers the raw bytes, so this route comes before the JSON parser.
  app.use('/api/webhooks/stripe', stripeWebhook(stripeWebhookSecret));
  app.use(express.json({ limit: '256kb' }));
  app.use('/api/payment-sessions', requireKey(secretKeys), paymentSessions());

  app.use((req, res) => res.status(404).json({ error: 'not_found', details: req.path }));
  app.use((error, req, res, next) => {
    const status = error.status ?? 500;
    const details = status < 500 ? error.message : 'Something went wrong';
    res.status(status).json({ error: error.type ?? 'internal_error', details });
  });
  return app;
}
