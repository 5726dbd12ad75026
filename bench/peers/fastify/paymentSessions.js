// Open and read a payment session.
import { randomBytes } from 'node:crypto';
import { MERCHANT, SESSION_MINUTES } from '../shared/config.js';
import { keyCheck } from '../shared/keys.js';
import { newSession, problem, sessionAnswer } from './schemas.js';

function built({ paymentMethod, ...fields }, now) {
  return {
    merchantId: MERCHANT,
    ...fields,
    sessionId: fields.sessionId ?? `ps_${randomBytes(16).toString('base64url')}`,
    kind: 'payment',
    provider: fields.provider ?? paymentMethod,
    status: 'pending',
    late: false,
    review: null,
    attempts: 0,
    version: 1,
    checkouts: [],
    history: [{ at: now, from: null, to: 'pending', by: 'sk', eventId: null }],
    createdAt: now,
    updatedAt: now,
    expiresAt: new Date(now.getTime() + SESSION_MINUTES * 60_000),
  };
}

const shown = (session) => ({ session: { ...session, paymentMethod: session.provider } });

export async function paymentSessions(app, { secretKeys }) {
  const isKnown = keyCheck(secretKeys);
  const sessions = app.mongo.db.collection('sessions');

  app.addHook('onRequest', async (request, reply) => {
    if (isKnown(request.headers.authorization)) return undefined;
    return reply
      .code(401)
      .send({ error: 'unauthorized', details: 'A known API key is needed' });
  });

  const createSchema = { body: newSession, response: { 201: sessionAnswer, '4xx': problem } };
  app.post('/', { schema: createSchema }, async (request, reply) => {
    const session = built(request.body, new Date());
    try {
      await sessions.insertOne(session);
    } catch (error) {
      if (error.code !== 11000) throw error;
      return reply.code(409).send({ error: 'session_exists', details: session.sessionId });
    }
    return reply.code(201).send(shown(session));
  });

  const readSchema = { response: { 200: sessionAnswer, '4xx': problem } };
  app.get('/:sessionId', { schema: readSchema }, async (request, reply) => {
    const { sessionId } = request.params;
    const session = await sessions.findOne({ merchantId: MERCHANT, sessionId });
    if (!session) return reply.code(404).send({ error: 'session_not_found', details: sessionId });
    return shown(session);
  });
}
