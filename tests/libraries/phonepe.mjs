// A whole purchase, its refunds and the reading of each, by pg-sdk-node. PhonePe has no lists.

import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { createRequire } from "node:module";
import { counting, customer, finish, given, pageOf, refused } from "./customer.mjs";

const require = createRequire(import.meta.url);
const sdk = require("pg-sdk-node");
const { BaseUrl } = require("pg-sdk-node/dist/common/constants/BaseUrl.js");
// The library has no setting for its address.
const base = `${given.address}/sandbox/phonepe`;
for (const name of Object.keys(BaseUrl.SANDBOX)) BaseUrl.SANDBOX[name] = base;

const { phonepeId, phonepeSecret, phonepeVersion } = given;
const client = sdk.StandardCheckoutClient.getInstance(phonepeId, phonepeSecret, phonepeVersion, sdk.Env.SANDBOX);
counting(client.httpClient);

async function buy(id) {
  const asked = sdk.StandardCheckoutPayRequest.builder()
    .merchantOrderId(id)
    .amount(50_000)
    .expireAfter(1200)
    .metaInfo(sdk.MetaInfo.builder().udf1(id).build())
    .redirectUrl("https://shop.example/thanks")
    .build();
  const opened = await client.pay(asked);
  assert.equal(opened.state, "PENDING");
  await customer(pageOf(opened.redirectUrl), "declined");
  await customer(pageOf(opened.redirectUrl), "paid", { method: "upi" });
  const order = await client.getOrderStatus(id, true);
  assert.deepEqual([order.state, order.paymentDetails.length, order.metaInfo.udf1], ["COMPLETED", 2, id]);
  const latest = await client.getOrderStatus(id);
  assert.deepEqual([latest.state, latest.paymentDetails.length], ["COMPLETED", 1]);
  for (const attempt of order.paymentDetails) {
    const found = await client.getTransactionStatus(attempt.transactionId);
    assert.deepEqual(found.paymentDetails, [attempt]);
  }
}

async function giveBack(id) {
  for (const [place, amount] of [10_000, 20_000].entries()) {
    const refundId = `refund-${id}-${place}`;
    const asked = sdk.RefundRequest.builder().amount(amount).merchantRefundId(refundId).originalMerchantOrderId(id).build();
    const made = await client.refund(asked);
    assert.deepEqual([made.state, made.amount], ["PENDING", amount]);
    const found = await client.getRefundStatus(refundId);
    assert.deepEqual([found.state, found.refundId, found.amount], ["COMPLETED", made.refundId, amount]);
  }
  const small = sdk.RefundRequest.builder().amount(99).merchantRefundId("small").originalMerchantOrderId(id).build();
  const error = await refused(client.refund(small));
  assert.ok(error instanceof sdk.BadRequest);
  assert.equal(error.code, "BAD_REQUEST");
}

await buy("node-1");
await giveBack("node-1");
const inApp = sdk.CreateSdkOrderRequest.StandardCheckoutBuilder()
  .merchantOrderId("node-app")
  .amount(50_000)
  .redirectUrl("https://shop.example/thanks")
  .build();
assert.ok((await client.createSdkOrder(inApp)).token);
assert.ok((await refused(client.getOrderStatus("nobody"))) instanceof sdk.ResourceNotFound);
assert.ok((await refused(client.getTransactionStatus("OM1"))) instanceof sdk.ResourceNotFound);
const login = createHash("sha256").update("user:word").digest("hex");
assert.ok(client.validateCallback("user", "word", login, '{"event":"checkout.order.completed","payload":{}}'));
finish();
