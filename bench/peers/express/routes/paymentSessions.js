// Open and read a payment session. Express names no validator; zod is the quick one of those in
// wide use.
import { randomBytes } from 'node:crypto';
import { Router } from 'express';
import { z } from 'zod';
import { MERCHANT, SESSION_MINUTES } from '../../shared/config.js';
import { PaymentSession } from '../models.js';

const provider = z.enum(['stripe', 'razorpay', 'phonepe', 'upi']);
const short = z.string().min(1).max(100);

const newSession = z
  .strictObject({
    sessionId: z.string().regex(/^[A-Za-z0-9_-]{1,40}$/).optional(),
    userId: z.string().min(1).max(200),
    eventId: short,
    amount: z.int().min(0),
    currency: z.string().regex(/^[A-Z]{3}$/).default('USD'),
    quantity: z.int().min(1).max(1000).default(1),
    provider: provider.optional(),
    paymentMethod: provider.optional(),
    email: z.email().optional(),
    passId: short.optional(),
    selectedDate: short.optional(),
    couponCode: short.optional(),
    waitingListId: short.optional(),
    metadata: z.record(z.string().max(40), z.unknown()).default({}),
  })
  .refine((body) => body.provider ?? body.paymentMethod, { message: 'provider is missing' });

// The document as callers see it.
function shown({ _id, __v, merchantId, purgeAt, ...session }) {
  return { ...session, paymentMethod: session.provider };
}

async function create(req, res) {
  const parsed = newSession.safeParse(req.body);
  if (!parsed.success) {
    res.status(400).json({ error: 'invalid_body', details: parsed.error.issues });
    return;
  }
  const { paymentMethod, ...fields } = parsed.data;
  const now = new Date();
  try {
    const session = await PaymentSession.create({
      ...fields,
      merchantId: MERCHANT,
      sessionId: fields.sessionId ?? `ps_${randomBytes(16).toString('base64url')}`,
      kind: 'payment',
      provider: fields.provider ?? paymentMethod,
      history: [{ at: now, to: 'pending', by: 'sk' }],
      createdAt: now,
      updatedAt: now,
      expiresAt: new Date(now.getTime() + SESSION_MINUTES * 60_000),
    });
    res.status(201).json({ session: shown(session.toObject()) });
  } catch (error) {
    if (error.code !== 11000) throw error;
    res.status(409).json({ error: 'session_exists', details: fields.sessionId });
  }
}

async function read(req, res) {
  // lean(): Mongoose's own advice for what is only read.
  const session = await PaymentSession.findOne({
    merchantId: MERCHANT,
    sessionId: req.params.sessionId,
  }).lean();
  if (!session) {
    res.status(404).json({ error: 'session_not_found', details: req.params.sessionId });
    return;
  }
  res.json({ session: shown(session) });
}

export function paymentSessions() {
  const router = Router();
  router.post('/', create);
  router.get('/:sessionId', read);
  return router;
}
