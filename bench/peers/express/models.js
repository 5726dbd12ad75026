// The schemas. Optional fields that nobody sends are not stored, which is Mongoose's way; Tillgate
// stores them as null and so moves more bytes.
import mongoose from 'mongoose';

const { Schema } = mongoose;

const historyEntry = new Schema(
  {
    at: { type: Date, required: true },
    from: String,
    to: { type: String, required: true },
    by: { type: String, required: true },
    eventId: String,
    reason: String,
  },
  { _id: false },
);

const paymentSession = new Schema(
  {
    merchantId: { type: String, required: true },
    sessionId: { type: String, required: true },
    kind: { type: String, enum: ['payment', 'checkout'], required: true },
    userId: { type: String, required: true },
    email: String,
    eventId: { type: String, required: true },
    quantity: { type: Number, default: 1, min: 1 },
    passId: String,
    selectedDate: String,
    couponCode: String,
    waitingListId: String,
    plan: String,
    amount: { type: Number, required: true, min: 0 },
    currency: { type: String, required: true },
    provider: { type: String, enum: ['stripe', 'razorpay', 'phonepe', 'upi'], required: true },
    providerSessionId: String,
    providerPaymentId: String,
    providerCustomerId: String,
    checkoutUrl: String,
    status: {
      type: String,
      enum: ['pending', 'processing', 'completed', 'failed', 'expired', 'canceled'],
      default: 'pending',
    },
    late: { type: Boolean, default: false },
    review: { type: Schema.Types.Mixed, default: null },
    attempts: { type: Number, default: 0 },
    version: { type: Number, default: 1 },
    metadata: { type: Schema.Types.Mixed, default: () => ({}) },
    checkouts: { type: [Schema.Types.Mixed], default: () => [] },
    history: [historyEntry],
    createdAt: { type: Date, required: true },
    updatedAt: { type: Date, required: true },
    expiresAt: { type: Date, required: true },
    completedAt: Date,
    purgeAt: Date,
  },
  { collection: 'sessions', minimize: false },
);

const webhookEvent = new Schema(
  {
    _id: String,
    merchantId: { type: String, required: true },
    provider: { type: String, required: true },
    account: { type: String, required: true },
    live: Boolean,
    eventId: { type: String, required: true },
    type: { type: String, required: true },
    status: { type: String, enum: ['processed', 'ignored', 'parked'], required: true },
    sessionId: String,
    payload: { type: Buffer, required: true },
    occurredAt: { type: Date, required: true },
    receivedAt: { type: Date, required: true },
    processedAt: Date,
    attempts: { type: Number, default: 1 },
    purgeAt: Date,
  },
  { collection: 'webhook_events' },
);

const payment = new Schema(
  {
    merchantId: { type: String, required: true },
    provider: { type: String, required: true },
    account: { type: String, required: true },
    live: Boolean,
    providerPaymentId: { type: String, required: true },
    providerSessionId: String,
    sessionId: String,
    userId: String,
    amount: { type: Number, required: true },
    currency: { type: String, required: true },
    status: { type: String, required: true },
    statusAt: { type: Date, required: true },
    metadata: { type: Schema.Types.Mixed },
    createdAt: { type: Date, required: true },
    updatedAt: { type: Date, required: true },
  },
  { collection: 'payments' },
);

const outboxMessage = new Schema(
  {
    _id: String,
    merchantId: { type: String, required: true },
    topic: { type: String, required: true },
    sessionId: { type: String, required: true },
    payload: { type: Schema.Types.Mixed, default: () => ({}) },
    status: { type: String, default: 'pending' },
    attempts: { type: Number, default: 0 },
    createdAt: { type: Date, required: true },
    nextAttemptAt: { type: Date, required: true },
    purgeAt: { type: Date, required: true },
  },
  { collection: 'outbox' },
);

export const PaymentSession = mongoose.model('PaymentSession', paymentSession);
export const WebhookEvent = mongoose.model('WebhookEvent', webhookEvent);
export const Payment = mongoose.model('Payment', payment);
export const OutboxMessage = mongoose.model('OutboxMessage', outboxMessage);
