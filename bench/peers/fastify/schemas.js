// JSON schemas: Fastify compiles them to a validator, and to a serialiser of the answers.
const provider = { type: 'string', enum: ['stripe', 'razorpay', 'phonepe', 'upi'] };
const short = { type: 'string', minLength: 1, maxLength: 100 };
const time = { type: 'string', format: 'date-time' };
const maybe = (schema) => ({ ...schema, type: [schema.type, 'null'] });

export const newSession = {
  type: 'object',
  additionalProperties: false,
  required: ['userId', 'eventId', 'amount'],
  anyOf: [{ required: ['provider'] }, { required: ['paymentMethod'] }],
  properties: {
    sessionId: { type: 'string', pattern: '^[A-Za-z0-9_-]{1,40}$' },
    userId: { type: 'string', minLength: 1, maxLength: 200 },
    eventId: short,
    amount: { type: 'integer', minimum: 0 },
    currency: { type: 'string', pattern: '^[A-Z]{3}$', default: 'USD' },
    quantity: { type: 'integer', minimum: 1, maximum: 1000, default: 1 },
    provider,
    paymentMethod: provider,
    email: { type: 'string', format: 'email' },
    passId: short,
    selectedDate: short,
    couponCode: short,
    waitingListId: short,
    metadata: { type: 'object', default: {} },
  },
};

const session = {
  type: 'object',
  properties: {
    sessionId: short,
    kind: { type: 'string' },
    userId: { type: 'string' },
    email: maybe({ type: 'string' }),
    eventId: { type: 'string' },
    quantity: { type: 'integer' },
    passId: maybe({ type: 'string' }),
    selectedDate: maybe({ type: 'string' }),
    couponCode: maybe({ type: 'string' }),
    waitingListId: maybe({ type: 'string' }),
    amount: { type: 'integer' },
    currency: { type: 'string' },
    provider,
    paymentMethod: provider,
    providerSessionId: maybe({ type: 'string' }),
    providerPaymentId: maybe({ type: 'string' }),
    status: { type: 'string' },
    late: { type: 'boolean' },
    attempts: { type: 'integer' },
    version: { type: 'integer' },
    metadata: { type: 'object', additionalProperties: true },
    history: {
      type: 'array',
      items: {
        type: 'object',
        properties: {
          at: time,
          from: maybe({ type: 'string' }),
          to: { type: 'string' },
          by: { type: 'string' },
          eventId: maybe({ type: 'string' }),
        },
      },
    },
    createdAt: time,
    updatedAt: time,
    expiresAt: time,
    completedAt: { ...time, nullable: true },
  },
};

export const sessionAnswer = { type: 'object', properties: { session } };

export const problem = {
  type: 'object',
  properties: { error: { type: 'string' }, details: { type: 'string' } },
};

export const webhookAnswer = {
  type: 'object',
  properties: {
    received: { type: 'boolean' },
    duplicate: { type: 'boolean' },
    outcome: { type: 'string' },
  },
};
