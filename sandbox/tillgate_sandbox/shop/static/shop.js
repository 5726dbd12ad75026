// The shop's page: choose something, choose how to pay, go to the provider.

import { minorPrice, price } from "./money.js";
import { findOpen, guestId, remember } from "./orders.js";
import {
  askQuote,
  cancelSession,
  createCheckout,
  HOME,
  newId,
  Problem,
  resumeCheckout,
} from "./tillgate.js";

const form = document.getElementById("order");
const pay = document.getElementById("pay");
const problem = document.getElementById("problem");

const chosen = (name) => form.querySelector(`input[name="${name}"]:checked`);

/** Show what one of each costs, in the currency of the chosen provider. */
function drawPrices() {
  const { currency } = chosen("provider").dataset;
  for (const radio of form.querySelectorAll('input[name="item"]')) {
    const major = JSON.parse(radio.dataset.prices)[currency];
    const tag = form.querySelector(`[data-price="${radio.value}"]`);
    tag.textContent = major ? price(major, currency) : `Has no price in ${currency}`;
  }
  form.querySelector('[data-field-of="quantity"]').hidden = !("counted" in chosen("item").dataset);
}

// The total is the server's, and so is each line of it: the order is opened at the quote that is
// shown, so that nobody pays another price than the one they have seen.
let quoted = null; // {key, promise} of what the form says now
let shown = null; // the quote that stands on the page

/** What is to be quoted: the same item, quantity, coupon and currency that the order names. */
function wanted() {
  const item = chosen("item");
  const body = { items: { [item.dataset.field]: item.value }, currency: chosen("provider").dataset.currency };
  if ("counted" in item.dataset) body.quantity = form.elements.quantity.valueAsNumber || 1;
  const couponCode = form.elements.couponCode.value.trim();
  if (couponCode) body.couponCode = couponCode;
  return body;
}

/** Ask for the price of what the form says, once; `again` where the last quote holds no more. */
function quote({ again = false } = {}) {
  const body = wanted();
  const key = JSON.stringify(body);
  if (!again && quoted?.key === key) return quoted.promise;
  const promise = askQuote(body);
  quoted = { key, promise };
  promise.catch(() => {
    if (quoted?.promise === promise) quoted = null; // what failed is asked again
  });
  return promise;
}

/** Show the quote of what the form says now; one that was overtaken by a change is let go. */
async function drawTotal() {
  const key = JSON.stringify(wanted());
  const overtaken = () => JSON.stringify(wanted()) !== key;
  try {
    const found = await quote();
    if (overtaken()) return;
    forgive();
    drawQuote(found);
    if (hasty) problem.textContent = changed(found);
  } catch (error) {
    if (overtaken()) return;
    forgive();
    drawQuote(null);
    tell(error);
  }
  hasty = false;
  ready();
}

function drawQuote(found) {
  shown = found;
  document.getElementById("total").textContent = found ? minorPrice(found.amount, found.currency) : "–";
  const lines = found?.lines ?? [];
  document.getElementById("chosen").textContent = lines
    .map((line) => {
      if (line.kind === "coupon") return `${line.title} ${minorPrice(line.amount, found.currency)}`;
      return line.quantity > 1 ? `${line.title} × ${line.quantity}` : line.title;
    })
    .join(", ");
}

/** The call's body. There is no amount in it: the quote has it, under the server's signature. */
function orderOf(price) {
  const sessionId = newId("shop_");
  // Where the provider sends the customer back to. Both must be origins that the server knows
  // (PUBLIC_URL or CORS_ORIGINS); they are hints for the page, and prove nothing.
  const home = `${HOME}/shop/return?sessionId=${sessionId}`;
  const order = {
    sessionId,
    userId: guestId(),
    email: form.elements.email.value.trim(),
    provider: chosen("provider").value,
    successUrl: home,
    cancelUrl: `${home}&left=1`,
  };
  const { items, ...counted } = wanted();
  // eventId for a ticket, plan for a subscription; and the price that the page shows.
  return { ...order, ...items, ...counted, quoteId: price.quoteId };
}

/** Open a checkout, or go on with the one that this tab has open for the same plan. */
async function open(order, price, idempotencyKey) {
  const standing = order.plan && findOpen(order.plan, order.provider);
  if (standing) {
    const [sessionId, { clientSecret }] = standing;
    try {
      const resumed = await resumeCheckout(sessionId, clientSecret);
      if (resumed.amount === price.amount) return { ...resumed, clientSecret };
      // It was opened at another price than the one that stands on the page.
      await cancelSession(sessionId, clientSecret);
      remember(sessionId, { over: true });
    } catch (error) {
      // It has ended in the meantime, so that another one may be opened.
      if (!(error instanceof Problem) || ![404, 409].includes(error.status)) throw error;
      remember(sessionId, { over: true });
    }
  }
  return createCheckout(order, idempotencyKey);
}

/** Send the customer to where they pay. Each provider has another way. */
function leave(checkout) {
  const home = `/shop/return?sessionId=${checkout.sessionId}`;
  if (checkout.status === "completed" || checkout.provider === "upi") {
    // Nothing was due; or no page at all: our own return page shows the QR code and waits.
    location.assign(home);
  } else if (checkout.checkoutUrl) {
    // Stripe, PhonePe, Razorpay's payment links: a page of the provider's.
    location.assign(checkout.checkoutUrl);
  } else {
    // A Razorpay order has no page: `checkoutScript` opens it above your own one, as the browser
    // client does. This shop leads to a page of the sandbox's, where more can be tried.
    location.assign(`/sandbox/pay/${checkout.providerSessionId}?return=${encodeURIComponent(home)}`);
  }
}

/** Say at each field what is wrong with it, and below what has no field here; return the first one. */
function tell(error) {
  let first = null;
  const elsewhere = [];
  for (const { field, message } of error.errors ?? []) {
    const input = form.elements[field];
    const wrong = document.getElementById(`${field}-wrong`);
    if (!wrong) {
      elsewhere.push(`${field} ${message}`);
      continue;
    }
    wrong.textContent = `It ${message}.`;
    input.setAttribute("aria-invalid", "true");
    first ??= input;
  }
  problem.textContent = first && !elsewhere.length ? "" : error.message;
  return first;
}

function complain(error) {
  tell(error)?.focus();
}

function forgive() {
  problem.textContent = "";
  for (const wrong of form.querySelectorAll(".wrong")) wrong.textContent = "";
  for (const input of form.querySelectorAll("[aria-invalid]")) input.removeAttribute("aria-invalid");
}

// One press of the button is one order. A failed network leaves both as they are, so that the next
// press repeats the call instead of making a second one; any change of the form is a new order.
let attempt = null;
let opening = false;

async function submit(event) {
  event.preventDefault();
  if (pay.disabled) return;
  forgive();
  opening = true;
  pay.disabled = true;
  pay.textContent = "Opening the checkout…";
  const seen = shown?.amount;
  try {
    const price = await quote();
    drawQuote(price);
    if (seen !== price.amount) throw new Error(changed(price));
    attempt ??= { order: orderOf(price), price, key: newId("order_") };
    const checkout = await open(attempt.order, attempt.price, attempt.key);
    const { sessionId, clientSecret, qrCode, checkoutUrl, provider } = checkout;
    const item = chosen("item");
    remember(sessionId, { clientSecret, provider, item: item.value, title: item.dataset.title });
    if (qrCode) remember(sessionId, { qrCode, link: checkoutUrl });
    leave(checkout);
  } catch (error) {
    if (error.status) attempt = null; // the server has decided; what failed on the way is repeated
    if (error.code === "quote_expired") await requote();
    else complain(error);
    ready();
  }
}

/** The page stood open for longer than its quote holds: ask anew, and go on only if it is seen. */
async function requote() {
  const seen = shown?.amount;
  try {
    const price = await quote({ again: true });
    drawQuote(price);
    problem.textContent = seen === price.amount ? "That took a while. Please press again." : changed(price);
  } catch (error) {
    complain(error);
  }
}

const changed = ({ amount, currency }) =>
  `The price is ${minorPrice(amount, currency)} now. Press again if that is fine with you.`;

function ready() {
  opening = false;
  pay.disabled = false;
  pay.textContent = "Continue to payment";
}

let typing;
form.addEventListener("input", () => {
  attempt = null;
  drawPrices();
  if (JSON.stringify(wanted()) === quoted?.key) return;
  // What stands there is of before the change: nobody can order until the new total is seen.
  pay.disabled = true;
  clearTimeout(typing);
  typing = setTimeout(drawTotal, 150); // not for every letter of a coupon
});
form.addEventListener("submit", submit);
// A form whose button is disabled takes Enter and does nothing. Whoever is faster than the price is
// told so, and told the price once it is there; nothing is ordered at one that nobody has seen.
let hasty = false;
form.addEventListener("keydown", (event) => {
  if (event.key !== "Enter" || !event.target.matches("input") || !pay.disabled || opening) return;
  hasty = true;
  problem.textContent = "One moment, the price is on its way.";
});
// Whoever comes back by the browser's own button finds the page as it was left.
addEventListener("pageshow", () => {
  attempt = null;
  quoted = null;
  drawPrices();
  drawTotal();
});
