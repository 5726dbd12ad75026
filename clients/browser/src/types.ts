// What goes over the wire, as docs/api.md and /openapi.json tell it.

export type Provider = "stripe" | "razorpay" | "phonepe" | "upi";
export type Status = "pending" | "processing" | "completed" | "failed" | "expired" | "canceled";
export type Mode = "payment" | "subscription";

/** What a price is asked for: an event, with or without a pass of it, or a plan. */
export interface Wanted {
  items: { eventId: string; passId?: string } | { plan: string };
  quantity?: number;
  couponCode?: string;
  currency?: string;
}

/** One line of a quote; the lines add up to its amount. Amounts are in minor units. */
export interface QuoteLine {
  kind: "item" | "coupon";
  title: string;
  quantity: number;
  unitAmount: number;
  amount: number;
  trialDays: number | null;
  couponCode: string | null;
}

/** What something costs, in minor units of `currency`, and until when a session opens at that. */
export interface Quote {
  quoteId: string;
  amount: number;
  currency: string;
  title: string;
  lines: QuoteLine[];
  expiresAt: string;
}

/**
 * What is bought. The server's catalog has its price: an `amount`, if one is sent, must equal it.
 *
 * `userId` is your customer's, and a guest's is made up where there is none. `returnUrl` is where the
 * provider sends the customer back to: this page, if none is named. Its origin is one that the
 * server knows (CORS_ORIGINS); it gets `sessionId`, and `left=1` if the customer gave up.
 */
export interface Order {
  provider: Provider;
  eventId?: string;
  intentId?: string;
  passId?: string;
  plan?: string;
  quantity?: number;
  couponCode?: string;
  quoteId?: string;
  amount?: number;
  currency?: string;
  userId?: string;
  email?: string;
  selectedDate?: string;
  waitingListId?: string;
  mode?: Mode;
  metadata?: Record<string, unknown>;
  sessionId?: string;
  returnUrl?: string;
}

/** A provider's script that draws its checkout above this page, and the public key that it takes. */
export interface CheckoutScript {
  url: string;
  key: string;
}

/** A checkout that stands open; `redirect` leads the customer to it. Nothing is to be paid for a
 * session that is not `pending`. */
export interface Checkout {
  sessionId: string;
  status: Status;
  amount: number;
  currency: string;
  provider: Provider;
  providerSessionId: string | null;
  checkoutUrl: string | null;
  checkoutScript: CheckoutScript | null;
  qrCode: string | null;
  expiresAt: string;
}

/** A session. `amount` is the total in minor units of `currency`; times are UTC. */
export interface Session {
  sessionId: string;
  kind: "payment" | "checkout";
  userId: string;
  email: string | null;
  eventId: string | null;
  intentId: string | null;
  quantity: number;
  passId: string | null;
  selectedDate: string | null;
  couponCode: string | null;
  waitingListId: string | null;
  plan: string | null;
  amount: number;
  currency: string;
  provider: Provider;
  paymentMethod: Provider;
  mode: Mode;
  providerSessionId: string | null;
  providerPaymentId: string | null;
  providerCustomerId: string | null;
  checkoutUrl: string | null;
  status: Status;
  late: boolean;
  review: { reason: string; eventId: string; at: string } | null;
  attempts: number;
  version: number;
  metadata: Record<string, unknown>;
  createdAt: string;
  updatedAt: string;
  expiresAt: string;
  completedAt: string | null;
}

/** What Razorpay's checkout hands to the page: the server checks it, and asks Razorpay all the same. */
export interface Proof {
  razorpay_payment_id: string;
  razorpay_order_id: string;
  razorpay_signature: string;
}

/** One field at fault. */
export interface FieldProblem {
  field: string;
  message: string;
}
