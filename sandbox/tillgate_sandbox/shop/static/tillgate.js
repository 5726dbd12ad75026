// Talking to Tillgate from the demo shop, call by call. A frontend of yours takes the browser client
// instead (clients/browser, docs/first-payment.md), which also works from another origin.
//
// A browser holds two things:
//   - the publishable key (`pk_…`). It is no secret. It opens sessions at the prices of the
//     server's catalog; it reads nothing by itself, and it can't complete a session.
//   - the clientSecret of each session that it has opened. Whoever has it may read and cancel that
//     one session. The server returns it once, when the session is opened, and never again.
//
// No browser can complete a session. It is completed when the provider's signed webhook has reported
// the payment to the server. So the return page asks for the session's status, and never trusts the
// URL that the customer came back with.

const meta = (name) => document.querySelector(`meta[name="tillgate-${name}"]`)?.content ?? "";

/** Your server's address and your publishable key. Here the page carries them in its head. */
const KEY = meta("publishable-key");
export const HOME = meta("home") || location.origin;

/**
 * What the server refused, in words. `code` is stable and meant for programs (`session_exists`,
 * `amount_mismatch`), `errors` names each field at fault, `retryAfter` is in seconds.
 */
export class Problem extends Error {
  constructor(status, body, retryAfter) {
    super(body.detail ?? `The server answered ${status}.`);
    this.status = status;
    this.code = body.error ?? "";
    this.errors = body.errors ?? [];
    this.retryAfter = retryAfter;
  }
}

async function call(method, path, { body, clientSecret, idempotencyKey, token } = {}) {
  const headers = { Authorization: `Bearer ${token ?? KEY}` };
  if (body) headers["Content-Type"] = "application/json";
  if (clientSecret) headers["X-Client-Secret"] = clientSecret;
  if (idempotencyKey) headers["Idempotency-Key"] = idempotencyKey;
  let answer;
  try {
    answer = await fetch(path, { method, headers, body: body && JSON.stringify(body) });
  } catch {
    throw new Problem(0, { detail: "The shop can't be reached. Are you online?" });
  }
  const said = await answer.json().catch(() => ({}));
  if (!answer.ok) throw new Problem(answer.status, said, Number(answer.headers.get("Retry-After")) || 0);
  return said;
}

/** An id that nobody guesses, of characters that a session id may have. */
export function newId(prefix) {
  const bytes = crypto.getRandomValues(new Uint8Array(12));
  return prefix + [...bytes].map((byte) => byte.toString(16).padStart(2, "0")).join("");
}

/**
 * Ask what something costs: {items: {eventId, passId?} or {plan}, quantity?, couponCode?, currency?}.
 *
 * Gives {quoteId, amount, currency, title, lines, expiresAt}. Show it, and send `quoteId` along with
 * the order: for 15 minutes the session opens at the price that the customer has seen.
 */
export async function askQuote(wanted) {
  return (await call("POST", "/api/quotes", { body: wanted })).quote;
}

/**
 * Open a session and its checkout at the provider.
 *
 * Send one idempotencyKey for each press of the button, and the same one again when the network
 * fails: the server then answers as it did the first time instead of opening a second checkout.
 *
 * Gives {sessionId, status, amount, currency, checkoutUrl, provider, providerSessionId, expiresAt,
 * clientSecret, qrCode}. Where nothing was due, `status` is "completed" and there is nothing to pay.
 */
export function createCheckout(order, idempotencyKey) {
  return call("POST", "/api/payments/create-checkout", { body: order, idempotencyKey });
}

/**
 * Open the checkout of a session again: the one that stands, or a new one if it has ended. A new one
 * is at the price of today, so compare `amount` with what the page has shown.
 */
export function resumeCheckout(sessionId, clientSecret) {
  return call("POST", "/api/payments/create-checkout", { body: { sessionId }, clientSecret });
}

/** Read a session: {status, amount, currency, late, review, …}. */
export async function readSession(sessionId, clientSecret) {
  const path = `/api/payment-sessions/${encodeURIComponent(sessionId)}`;
  return (await call("GET", path, { clientSecret })).session;
}

/** Cancel a session that is still pending. Its checkout is closed at the provider first. */
export async function cancelSession(sessionId, clientSecret) {
  const body = { sessionId, status: "canceled", reason: "canceled by the customer" };
  return (await call("PATCH", "/api/payment-sessions", { body, clientSecret })).session;
}

/**
 * Let the server ask the provider how the payment stands. Webhooks can be slow or get lost: a page
 * that has waited for some seconds may ask once. The answer takes the same road as a webhook.
 *
 * `proof` are the three fields that Razorpay's checkout hands to the page; the server checks their
 * signature, and then asks Razorpay all the same.
 */
export async function verifySession(sessionId, clientSecret, proof = {}) {
  const body = { sessionId, ...proof };
  return (await call("POST", "/api/payment/verify-checkout-session", { body, clientSecret })).session;
}

// What a customer does who is signed in. `token` is the customer's own: the shop's server signs it, and
// the service believes it (JWT_SECRET or JWT_JWKS_URL).

/** Ask the shop's server for the token of whoever is signed in: {token, expiresAt, userId}. */
export function signIn() {
  return call("POST", "/shop/member");
}

/** Open a subscription at the catalog's price; `order` names no amount and no user. */
export function subscribe(order, token) {
  return call("POST", "/api/payments/create-checkout", { body: order, token });
}

/** Read the customer's subscription: {subscription, plan, nextRenewal, payments}. */
export function readSubscription(token) {
  return call("GET", "/api/payment/subscription-status", { token });
}

/** `cancel-subscription`, `reactivate-subscription` or `change-plan`, each said once by its key. */
export async function changeSubscription(act, body, token, idempotencyKey) {
  return (await call("POST", `/api/payment/${act}`, { body, token, idempotencyKey })).subscription;
}

/** Let the server ask the provider how an order of the customer stands. */
export function verifyMine(sessionId, token) {
  return call("POST", "/api/payment/verify-checkout-session", { body: { sessionId }, token });
}
