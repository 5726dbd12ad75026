// A whole purchase by an order and by a payment link, refunds and lists, by razorpay-node.

import assert from "node:assert/strict";
import Razorpay from "razorpay";
import { counting, customer, finish, given, pageOf, refused } from "./customer.mjs";
import { validatePaymentVerification } from "razorpay/dist/utils/razorpay-utils.js";

const razorpay = new Razorpay({ key_id: given.razorpayKey, key_secret: given.razorpaySecret });
// The library has no setting for its address.
razorpay.api.rq.defaults.baseURL = `${given.address}/sandbox/razorpay`;
counting(razorpay.api.rq);

/** Return what the browser is handed after a payment. */
async function handedOver(page) {
  const answer = await fetch(`${given.address}/sandbox/api/checkouts/${page}`);
  return (await answer.json()).handedOver;
}

/** Check that a list visits each object once by `skip` and `count`, and say so without either. */
async function byParts(list, field = "items") {
  const whole = (await list({ count: 100 }))[field].map((one) => one.id);
  assert.ok(whole.length > 2, "too few to tell");
  assert.equal(new Set(whole).size, whole.length);
  const parts = [];
  for (let skip = 0; skip < whole.length; skip += 2) {
    parts.push(...(await list({ count: 2, skip }))[field].map((one) => one.id));
  }
  assert.deepEqual(parts, whole);
  assert.deepEqual((await list())[field].map((one) => one.id), whole.slice(0, 10));
  assert.deepEqual((await list({ from: 1, to: 2 }))[field], []);
}

async function buyByOrder(receipt) {
  const order = await razorpay.orders.create({ amount: 50_000, currency: "INR", receipt, notes: { seat: "12" } });
  await customer(order.id, "declined");
  await customer(order.id, "paid");
  const proof = await handedOver(order.id);
  const about = { order_id: proof.razorpay_order_id, payment_id: proof.razorpay_payment_id };
  assert.ok(validatePaymentVerification(about, proof.razorpay_signature, given.razorpaySecret));
  assert.equal((await razorpay.orders.fetch(order.id)).status, "paid");
  assert.equal((await razorpay.orders.fetchPayments(order.id)).count, 2);
  return proof.razorpay_payment_id;
}

async function buyByLink(reference) {
  const link = await razorpay.paymentLink.create({ amount: 50_000, currency: "INR", reference_id: reference });
  const edited = await razorpay.paymentLink.edit(link.id, { notes: { seat: "13" }, reference_id: `${reference}-b` });
  assert.deepEqual([edited.reference_id, edited.notes], [`${reference}-b`, { seat: "13" }]);
  assert.deepEqual(await razorpay.paymentLink.notifyBy(link.id, "email"), { success: true });
  await customer(pageOf(link.short_url), "authorized");
  const held = (await razorpay.orders.fetchPayments(link.order_id)).items[0];
  await razorpay.payments.capture(held.id, 50_000, "INR");
  assert.equal((await razorpay.paymentLink.fetch(link.id)).status, "paid");
  return held.id;
}

async function giveBack(payment) {
  const refund = await razorpay.payments.refund(payment, { amount: 10_000, notes: { why: "late" } });
  for (const amount of [1_000, 2_000]) await razorpay.payments.refund(payment, { amount });
  assert.equal((await razorpay.refunds.fetch(refund.id)).status, "processed");
  assert.equal((await razorpay.refunds.fetch(refund.id, { payment_id: payment })).amount, 10_000);
  assert.equal((await razorpay.payments.fetchRefund(payment, refund.id)).id, refund.id);
  assert.deepEqual((await razorpay.refunds.edit(refund.id, { notes: { why: "rain" } })).notes, { why: "rain" });
  assert.equal((await razorpay.payments.fetch(payment)).amount_refunded, 13_000);
  const small = await refused(razorpay.payments.refund(payment, { amount: 99 }));
  assert.equal(small.error.description, "The amount must be at least INR 1.00");
  await byParts((asked) => razorpay.payments.fetchMultipleRefund(payment, asked));
  await byParts((asked = {}) => razorpay.refunds.all({ ...asked, payment_id: payment }));
}

async function subscribe() {
  const asked = { plan_id: "plan_sandbox_49900_inr_basic", total_count: 12, quantity: 1 };
  for (let place = 0; place < 3; place++) {
    const made = await razorpay.subscriptions.create(asked);
    await customer(pageOf(made.short_url), "paid");
    assert.equal((await razorpay.subscriptions.fetch(made.id)).status, "active");
    if (place === 0) assert.equal((await razorpay.subscriptions.cancel(made.id)).status, "cancelled");
  }
  await byParts((asked) => razorpay.subscriptions.all(asked));
}

let payment;
for (const place of [1, 2, 3]) {
  payment = await buyByOrder(`node-${place}`);
  await buyByLink(`link-${place}`);
}
await giveBack(payment);
assert.deepEqual((await razorpay.payments.edit(payment, { notes: { seat: "14" } })).notes, { seat: "14" });
const [order] = (await razorpay.orders.all()).items;
assert.deepEqual((await razorpay.orders.edit(order.id, { notes: { seat: "15" } })).notes, { seat: "15" });
await byParts((asked) => razorpay.orders.all(asked));
await byParts((asked) => razorpay.payments.all(asked));
await byParts((asked) => razorpay.paymentLink.all(asked), "payment_links");
await byParts((asked) => razorpay.refunds.all(asked));
await subscribe();
const cancelled = await razorpay.paymentLink.create({ amount: 50_000, currency: "INR" });
assert.equal((await razorpay.paymentLink.cancel(cancelled.id)).status, "cancelled");
const unknown = await refused(razorpay.payments.fetch("pay_nobody"));
assert.deepEqual([unknown.statusCode, unknown.error.code], [400, "BAD_REQUEST_ERROR"]);
const missing = await refused(razorpay.customers.all());
assert.deepEqual([missing.statusCode, missing.error.code], [404, "BAD_REQUEST_ERROR"]);
finish();
