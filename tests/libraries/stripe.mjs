// A whole purchase, its refunds, lists and subscriptions, by stripe-node.

import assert from "node:assert/strict";
import Stripe from "stripe";
import { calls, customer, finish, given, pageOf, refused } from "./customer.mjs";

const base = `${given.address}/sandbox/stripe`;
const stripe = new Stripe(given.stripeKey, {
  maxNetworkRetries: 0,
  telemetry: false,
  // The library has no setting for an address below which it lies.
  httpClient: Stripe.createFetchHttpClient(async (url, init) => {
    const { pathname, search } = new URL(url);
    const answer = await fetch(base + pathname + search, init);
    calls.push({ method: init.method, path: pathname, answer: await answer.clone().json() });
    return answer;
  }),
});

const order = {
  mode: "payment",
  client_reference_id: "node-1",
  metadata: { sessionId: "node-1" },
  success_url: "https://shop.example/done?id={CHECKOUT_SESSION_ID}",
  line_items: [
    { quantity: 2, price_data: { currency: "usd", unit_amount: 1250, product_data: { name: "Two tickets" } } },
    { quantity: 1, price_data: { currency: "usd", unit_amount: 500, product_data: { name: "A poster" } } },
  ],
};
const plan = { ...order, mode: "subscription", line_items: [{ quantity: 1, price: "price_sandbox_999_usd_basic" }] };

/** Return the ids of all pages of a list, in the order in which the library visits them. */
async function ids(list) {
  const found = [];
  for await (const one of list) {
    found.push(one.id);
    assert.ok(found.length < 200, "the list does not end");
  }
  return found;
}

/** Check that a list visits each object once, forwards and backwards. */
async function bothWays(list) {
  const whole = (await list({ limit: 100 })).data.map((one) => one.id);
  assert.ok(whole.length > 2, "too few to tell");
  assert.equal(new Set(whole).size, whole.length);
  assert.deepEqual(await ids(list({ limit: 2 })), whole);
  const backwards = await ids(list({ limit: 2, ending_before: whole.at(-1) }));
  assert.deepEqual(backwards, whole.slice(0, -1).reverse());
}

async function buy() {
  const opened = await stripe.checkout.sessions.create({ ...order, expand: ["line_items.data.price.product"] });
  assert.equal(opened.success_url, order.success_url);
  assert.deepEqual(opened.line_items.data.map((one) => one.price.product.name), ["Two tickets", "A poster"]);
  const items = await stripe.checkout.sessions.listLineItems(opened.id);
  assert.equal(items.data.reduce((sum, one) => sum + one.amount_total, 0), opened.amount_total);
  const named = await stripe.checkout.sessions.update(opened.id, { metadata: { seat: "12" } });
  assert.deepEqual(named.metadata, { sessionId: "node-1", seat: "12" });
  await customer(pageOf(opened.url), "declined", { declineCode: "insufficient_funds" });
  await customer(pageOf(opened.url), "paid");
  const paid = await stripe.checkout.sessions.retrieve(opened.id, { expand: ["payment_intent.latest_charge"] });
  assert.equal(paid.payment_status, "paid");
  assert.equal(paid.payment_intent.latest_charge.amount_captured, 3000);
  return paid;
}

async function giveBack(paid) {
  const intent = paid.payment_intent.id;
  const key = { idempotencyKey: `refund-${intent}` };
  const first = await stripe.refunds.create({ payment_intent: intent, amount: 500, expand: ["charge"] }, key);
  const again = await stripe.refunds.create({ payment_intent: intent, amount: 500, expand: ["charge"] }, key);
  assert.equal(again.id, first.id);
  assert.equal(first.charge.amount_refunded, 500);
  for (const amount of [100, 200, 300]) await stripe.refunds.create({ payment_intent: intent, amount });
  assert.equal((await stripe.refunds.retrieve(first.id)).status, "succeeded");
  const charge = await stripe.charges.retrieve(paid.payment_intent.latest_charge.id, { expand: ["refunds"] });
  assert.deepEqual([charge.amount_refunded, charge.refunds.data.length], [1100, 4]);
  const tooMuch = await refused(stripe.refunds.create({ payment_intent: intent, amount: 1901 }));
  assert.ok(tooMuch instanceof Stripe.errors.StripeInvalidRequestError);
  await bothWays((asked) => stripe.refunds.list({ ...asked, payment_intent: intent }));
}

async function list() {
  for (let place = 0; place < 4; place++) {
    const one = await stripe.checkout.sessions.create(order);
    await customer(pageOf(one.url), "paid");
    await customer(pageOf(one.url), "disputed");
  }
  await bothWays((asked) => stripe.checkout.sessions.list(asked));
  await bothWays((asked) => stripe.paymentIntents.list(asked));
  await bothWays((asked) => stripe.charges.list({ ...asked, expand: ["data.payment_intent"] }));
  await bothWays((asked) => stripe.disputes.list(asked));
  await bothWays((asked) => stripe.events.list(asked));
  const both = await refused(stripe.charges.list({ starting_after: "ch_1", ending_before: "ch_2" }));
  assert.match(both.message, /pass in only one/);
  const small = structuredClone(order);
  small.line_items = [{ quantity: 1, price_data: { currency: "usd", unit_amount: 49, product_data: { name: "A pin" } } }];
  assert.equal((await refused(stripe.checkout.sessions.create(small))).code, "amount_too_small");
  assert.equal((await refused(stripe.charges.retrieve("ch_nobody"))).code, "resource_missing");
  assert.equal((await refused(stripe.customers.list())).statusCode, 404);
}

async function subscribe() {
  const opened = await stripe.checkout.sessions.create(plan);
  await customer(pageOf(opened.url), "paid");
  const read = ["subscription.latest_invoice.payments"];
  const { subscription } = await stripe.checkout.sessions.retrieve(opened.id, { expand: read });
  assert.equal(subscription.status, "active");
  assert.equal(subscription.latest_invoice.payments.data.length, 1);
  return subscription;
}

const DAY = 86_400;

/** Move a clock on, and wait for it as Stripe's documentation has it. */
async function advance(clock, until) {
  let moved = await stripe.testHelpers.testClocks.advance(clock.id, { frozen_time: until });
  while (moved.status !== "ready") moved = await stripe.testHelpers.testClocks.retrieve(clock.id);
  return moved;
}

async function renew() {
  const subscription = await subscribe();
  const start = subscription.start_date;
  const clock = await stripe.testHelpers.testClocks.create({ frozen_time: start, name: "half a year" });
  await advance(clock, start + 65 * DAY);
  const invoices = (asked) => stripe.invoices.list({ ...asked, subscription: subscription.id, expand: ["data.payments"] });
  const paid = (await invoices({})).data;
  assert.deepEqual(paid.map((one) => one.status), ["paid", "paid", "paid"]);
  assert.ok(paid.every((one) => one.payments.data[0].payment.payment_intent.startsWith("pi_")));
  await bothWays(invoices);

  const item = subscription.items.data[0].id;
  const larger = await stripe.subscriptions.update(subscription.id, {
    items: [{ id: item, price: "price_sandbox_2999_usd_premium" }],
    metadata: { plan: "premium" },
  });
  assert.equal(larger.items.data[0].price.unit_amount, 2999);
  await stripe.subscriptions.update(subscription.id, { default_payment_method: "pm_card_chargeCustomerFail" });
  await advance(clock, start + 91 * DAY);
  assert.equal((await stripe.subscriptions.retrieve(subscription.id)).status, "past_due");
  await stripe.subscriptions.update(subscription.id, { default_payment_method: "pm_card_visa" });
  await advance(clock, start + 94 * DAY);
  const healed = await stripe.subscriptions.retrieve(subscription.id, { expand: ["latest_invoice"] });
  assert.deepEqual([healed.status, healed.latest_invoice.attempt_count], ["active", 2]);

  await stripe.subscriptions.update(subscription.id, { cancel_at_period_end: true });
  await advance(clock, start + 125 * DAY);
  assert.equal((await stripe.subscriptions.retrieve(subscription.id)).status, "canceled");
  assert.deepEqual((await stripe.subscriptions.list()).data, []);
  const second = await subscribe();
  assert.equal((await stripe.subscriptions.cancel(second.id)).status, "canceled");
  assert.equal((await stripe.subscriptions.list({ status: "all" })).data.length, 2);
  const failed = await stripe.events.list({ type: "invoice.payment_failed" });
  assert.equal(failed.data.length, 1);
  assert.deepEqual(await ids(stripe.testHelpers.testClocks.list()), [clock.id]);
  assert.equal((await stripe.testHelpers.testClocks.del(clock.id)).deleted, true);
}

const paid = await buy();
await giveBack(paid);
await list();
await renew();
finish();
