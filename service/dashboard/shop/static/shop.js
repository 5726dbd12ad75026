// The shop's page: choose something, choose how to pay, go to the provider.

import { price } from "./money.js";
import { findOpen, guestId, remember } from "./orders.js";
import { createCheckout, HOME, newId, Problem, resumeCheckout } from "./tillgate.js";

const form = document.getElementById("order");
const pay = document.getElementById("pay");
const problem = document.getElementById("problem");

const chosen = (name) => form.querySelector(`input[name="${name}"]:checked`);

/** Show prices in the currency of the chosen provider. They are for the eye: the server decides. */
function drawPrices() {
  const { currency } = chosen("provider").dataset;
  for (const radio of form.querySelectorAll('input[name="item"]')) {
    const major = JSON.parse(radio.dataset.prices)[currency];
    const tag = form.querySelector(`[data-price="${radio.value}"]`);
    tag.textContent = major ? price(major, currency) : `Has no price in ${currency}`;
  }
  const item = chosen("item");
  const counted = "counted" in item.dataset;
  form.querySelector('[data-field-of="quantity"]').hidden = !counted;
  const quantity = counted ? Math.max(1, form.elements.quantity.valueAsNumber || 1) : 1;
  const major = JSON.parse(item.dataset.prices)[currency];
  const many = quantity > 1 ? ` × ${quantity}` : "";
  document.getElementById("chosen").textContent = `${item.dataset.title}${many}`;
  document.getElementById("total").textContent = major ? price(major * quantity, currency) : "–";
}

/** The call's body. There is no amount in it: the server's catalog knows the price. */
function orderOf() {
  const item = chosen("item");
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
  order[item.dataset.field] = item.value; // eventId for a ticket, plan for a subscription
  if ("counted" in item.dataset) order.quantity = form.elements.quantity.valueAsNumber || 1;
  const couponCode = form.elements.couponCode.value.trim();
  if (couponCode) order.couponCode = couponCode;
  return order;
}

/** Open a checkout, or go on with the one that this tab has open for the same plan. */
async function open(order, idempotencyKey) {
  const standing = order.plan && findOpen(order.plan, order.provider);
  if (standing) {
    const [sessionId, { clientSecret }] = standing;
    try {
      return { ...(await resumeCheckout(sessionId, clientSecret)), clientSecret };
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
  if (checkout.provider === "upi") {
    // No page at all: our own return page shows the QR code and waits.
    location.assign(home);
  } else if (checkout.checkoutUrl) {
    // Stripe, PhonePe, Razorpay's payment links: a page of the provider's.
    location.assign(checkout.checkoutUrl);
  } else {
    // A Razorpay order has no page. In real life you load https://checkout.razorpay.com/v1/checkout.js
    // and open it above your own page:
    //   new Razorpay({ key, order_id: checkout.providerSessionId, handler: … }).open()
    // Its handler gets a signed proof, which you post to /api/payment/verify-checkout-session.
    // The sandbox plays it with a page of its own.
    location.assign(`/sandbox/pay/${checkout.providerSessionId}?return=${encodeURIComponent(home)}`);
  }
}

function complain(error) {
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
  first?.focus();
}

function forgive() {
  problem.textContent = "";
  for (const wrong of form.querySelectorAll(".wrong")) wrong.textContent = "";
  for (const input of form.querySelectorAll("[aria-invalid]")) input.removeAttribute("aria-invalid");
}

// One press of the button is one order. A failed network leaves both as they are, so that the next
// press repeats the call instead of making a second one; any change of the form is a new order.
let attempt = null;

async function submit(event) {
  event.preventDefault();
  if (pay.disabled) return;
  forgive();
  attempt ??= { order: orderOf(), key: newId("order_") };
  pay.disabled = true;
  pay.textContent = "Opening the checkout…";
  try {
    const checkout = await open(attempt.order, attempt.key);
    const { sessionId, clientSecret, qrCode, checkoutUrl, provider } = checkout;
    const item = chosen("item");
    remember(sessionId, { clientSecret, provider, item: item.value, title: item.dataset.title });
    if (qrCode) remember(sessionId, { qrCode, link: checkoutUrl });
    leave(checkout);
  } catch (error) {
    if (error.status) attempt = null; // the server has decided; what failed on the way is repeated
    complain(error);
    ready();
  }
}

function ready() {
  pay.disabled = false;
  pay.textContent = "Continue to payment";
}

form.addEventListener("input", () => {
  attempt = null;
  drawPrices();
});
form.addEventListener("submit", submit);
// Whoever comes back by the browser's own button finds the page as it was left.
addEventListener("pageshow", () => {
  attempt = null;
  ready();
  drawPrices();
});
