// The pay page: each button lets something happen to the checkout, and the page follows.

import { call, say } from "./api.js";
import { liven } from "./chaos_form.js";

const bill = document.querySelector("[data-page]");
const said = document.getElementById("said");
const address = `/sandbox/api/checkouts/${bill?.dataset.page}`;

/** How long a customer reads "Paid" before the provider sends them back. */
const READING_MS = 900;
/** How long Stripe waits for our answer before it sends the customer back all the same. */
const WEBHOOK_FIRST_MS = 10_000;

const pause = (ms) => new Promise((done) => setTimeout(done, ms));

/**
 * Where to go if the provider was given no URL: a Razorpay order has none, since its
 * checkout opens above the shop's own page. Addresses of other origins are not followed.
 */
function ownReturn() {
  const named = new URLSearchParams(location.search).get("return");
  const target = named && new URL(named, location.origin);
  return target && target.origin === location.origin ? target.href : null;
}

/** The address to return to, with the proof that Razorpay hands to the browser. */
function backWith(view) {
  const target = view.successUrl ?? ownReturn();
  if (!target) return null;
  const back = new URL(target);
  for (const [name, value] of Object.entries(view.handedOver)) back.searchParams.set(name, value);
  return back.href;
}

/** The shop's own sign that the customer left: what a Checkout.js `ondismiss` would tell it. */
function left(target) {
  if (!target) return null;
  const back = new URL(target);
  back.searchParams.set("left", "1");
  return back.href;
}

let drawn = -1;
function draw(view) {
  // Two answers can cross on the way: an older one must not take back what was drawn already.
  if (view.version < drawn) return;
  drawn = view.version;
  const badge = document.getElementById("status");
  badge.textContent = view.statusName;
  badge.className = `badge ${view.tone}`;
  for (const part of document.querySelectorAll("[data-when]")) {
    part.hidden = part.dataset.when !== view.status;
  }
  for (const button of document.querySelectorAll("[data-later]")) {
    button.hidden = !view.can.includes(button.dataset.happening);
  }
  const targets = { success: backWith(view), cancel: view.cancelUrl ?? left(backWith(view)) };
  for (const link of document.querySelectorAll("[data-goes]")) {
    const target = targets[link.dataset.goes];
    link.hidden = !target;
    if (target) link.href = target;
  }
  drawLog(view);
}

function drawLog(view) {
  const list = document.getElementById("attempts");
  list.replaceChildren(
    ...view.happened.map((one) => {
      const line = document.createElement("li");
      line.textContent = one.text;
      return line;
    }),
  );
  const told = Object.entries(view.deliveries).map(([status, count]) => `${count} ${status.replace("_", " ")}`);
  document.getElementById("deliveries").textContent = told.length ? `Webhooks: ${told.join(", ")}.` : "";
  document.getElementById("log").hidden = !view.happened.length && !told.length;
}

/** Send the customer back as the provider does, before or after the webhooks. */
async function sendBack(view) {
  const target = backWith(view);
  const returning = document.getElementById("returning");
  if (!target) {
    returning.textContent = "The checkout was opened without an address to return to.";
    return;
  }
  returning.textContent = "Returning to the shop…";
  if (view.chaos.faults.includes("webhook_first")) {
    returning.textContent = "Waiting until every webhook was tried, then returning to the shop…";
    const until = Date.now() + WEBHOOK_FIRST_MS;
    while (view.untried && Date.now() < until) {
      await pause(200);
      view = await call("GET", address);
      drawLog(view);
    }
  } else {
    await pause(READING_MS);
  }
  location.assign(target);
}

/** Follow what happens without us: deliveries on their way, a capture by the service. */
async function follow(view) {
  while (view.deliveries.pending || view.status === "processing") {
    await pause(1000);
    if (document.hidden) continue;
    const before = view.status;
    view = await call("GET", address);
    draw(view);
    if (before !== view.status && view.status === "paid") await sendBack(view);
  }
}

let following = false;
async function followOnce(view) {
  if (following) return;
  following = true;
  try {
    await follow(view);
  } catch (error) {
    say(said, error.message, "bad");
  } finally {
    following = false;
  }
}

/** After these the provider sends the customer back; what happens to the money later is not theirs. */
const PAYS = new Set(["paid", "delayed", "settled", "authorized", "captured"]);

const WORDS = {
  declined: "Declined. The customer may try again.",
  bounced: "The bank refused.",
  disputed: "The customer disputes the payment; the provider tells the service.",
  refunded: "Refunded; the provider tells the service.",
  expired: "The checkout has expired.",
};

async function happen(happening, body) {
  const buttons = document.querySelectorAll("main button");
  for (const button of buttons) button.disabled = true;
  say(said, "");
  const focused = document.activeElement;
  try {
    const view = await call("POST", `/sandbox/pay/${bill.dataset.page}/${happening}`, body);
    draw(view);
    const refused = happening === "declined" || happening === "bounced";
    say(said, WORDS[happening] ?? "", refused ? "bad" : "info");
    if (view.status === "paid" && PAYS.has(happening)) await sendBack(view);
    else followOnce(view);
  } catch (error) {
    say(said, error.message, "bad");
  } finally {
    for (const button of buttons) button.disabled = false;
    keepPlace(focused);
  }
}

/** A button that has gone must not take the keyboard's place with it. */
function keepPlace(focused) {
  if (focused?.checkVisibility?.()) {
    focused.focus();
    return;
  }
  const place = document.querySelector(".part:not([hidden]) h2") ?? said;
  place.tabIndex = -1;
  place.focus();
}

if (bill) {
  for (const button of document.querySelectorAll("[data-happening]")) {
    button.addEventListener("click", () => {
      const { happening, method } = button.dataset;
      happen(happening, method ? { method } : {});
    });
  }
  const declining = document.getElementById("declining");
  declining.addEventListener("submit", (event) => {
    event.preventDefault();
    const declineCode = declining.elements.declineCode.value;
    happen("declined", { method: declining.dataset.method, declineCode });
  });
  for (const form of document.querySelectorAll("form.chaos")) liven(form);
  for (const button of document.querySelectorAll("main button")) button.disabled = false;
  call("GET", address)
    .then((view) => {
      draw(view);
      followOnce(view);
    })
    .catch((error) => say(said, error.message, "bad"));
}
