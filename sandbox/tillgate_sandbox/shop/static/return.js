// The return page: it asks how the session stands until it knows, and says it in words.
//
// The customer may be back before the webhook has arrived, long before it (a bank debit takes days),
// or after it. So the page believes nothing but the session's own status.

import { minorPrice } from "./money.js";
import { recall, remember } from "./orders.js";
import { cancelSession, Problem, readSession, resumeCheckout, verifySession } from "./tillgate.js";

const query = new URLSearchParams(location.search);
const sessionId = query.get("sessionId") ?? "";
const order = recall(sessionId);
/** The customer came by the provider's "back" and not by paying. A hint for the words, no more. */
let left = query.has("left");

/** What Razorpay's checkout has handed to the page, if the customer comes from there. */
const PROOF = ["razorpay_payment_id", "razorpay_order_id", "razorpay_signature"];
const proof = Object.fromEntries(PROOF.filter((name) => query.has(name)).map((name) => [name, query.get(name)]));

const at = (id) => document.getElementById(id);
const pause = (ms) => new Promise((done) => setTimeout(done, ms));

/** Ask again after half a second, then ever more slowly, but at least every five seconds. */
const FIRST_MS = 500;
const SLOWEST_MS = 5000;
/** A customer who has paid waits this long before the server is asked to call the provider. */
const ASK_AFTER_MS = 8000;

const SIGNS = {
  good: "M5 13l4.5 4.5L19 7.5",
  bad: "M7 7l10 10M17 7L7 17",
  warn: "M12 6v7M12 17.5v.01",
};

function wordsFor(session) {
  const total = minorPrice(session.amount, session.currency);
  const until = new Date(session.expiresAt).toLocaleTimeString("en", { hour: "2-digit", minute: "2-digit" });
  if (session.review && session.status !== "completed") {
    return {
      tone: "warn",
      headline: "We are looking into it",
      words: "A payment has come that does not fit your order. A person is checking it; your money is not lost.",
      actions: ["shop"],
    };
  }
  switch (session.status) {
    case "completed":
      return {
        tone: "good",
        headline: "Thank you, it is paid",
        words: session.late
          ? `Your payment of ${total} came late, and it counts. See you soon.`
          : `Your payment of ${total} has arrived. See you soon.`,
        facts: true,
        actions: ["shop"],
      };
    case "processing":
      return {
        headline: "Your bank is working on it",
        words: `The payment of ${total} is on its way, and may take some days. You can close this page: nothing more is to be done.`,
        facts: true,
        actions: ["shop"],
      };
    case "failed":
      return {
        tone: "bad",
        headline: "The payment failed",
        words: "Your bank refused it, and nothing was charged. You can try once more, with another card if you like.",
        actions: ["again", "shop"],
      };
    case "expired":
      return {
        tone: "bad",
        headline: "The time ran out",
        words: "Nobody paid in time, so the order was let go. Nothing was charged. You can open it again.",
        actions: ["again", "shop"],
      };
    case "canceled":
      return {
        tone: "warn",
        headline: "The order is canceled",
        words: "Nothing was charged.",
        actions: ["shop"],
      };
  }
  if (session.provider === "upi") {
    return {
      headline: "Scan to pay",
      words: `Open any UPI app, scan the code and pay ${total}. This page notices when the hall has confirmed it.`,
      code: true,
      actions: ["cancel"],
    };
  }
  if (left) {
    return {
      tone: "warn",
      headline: "Not paid yet",
      words: `You left the payment page. Your order of ${total} is kept until ${until}.`,
      actions: ["resume", "cancel"],
    };
  }
  return {
    headline: "Waiting for your payment",
    words: `We have no word of your payment of ${total} yet. This page follows by itself; there is no need to reload.`,
    actions: ["resume", "cancel"],
  };
}

const ACTIONS = {
  resume: ["Continue to payment", "primary", pay],
  again: ["Try again", "primary", pay],
  cancel: ["Cancel the order", "quiet", cancel],
  shop: ["Back to the shop", "", () => location.assign("/shop")],
};

function sign(tone) {
  if (!tone) {
    const spinner = document.createElement("div");
    spinner.className = "spinner";
    return spinner;
  }
  const drawing = document.createElementNS("http://www.w3.org/2000/svg", "svg");
  drawing.setAttribute("viewBox", "0 0 24 24");
  const path = document.createElementNS("http://www.w3.org/2000/svg", "path");
  path.setAttribute("d", SIGNS[tone]);
  drawing.append(path);
  return drawing;
}

function show({ tone = "", headline, words, actions, facts = false, code = false }, session) {
  const state = at("state");
  state.dataset.tone = tone;
  state.dataset.status = session?.status ?? "unknown";
  at("sign").replaceChildren(sign(tone));
  at("headline").textContent = headline;
  at("words").textContent = words;
  at("live").textContent = `${headline}. ${words}`;
  at("problem").textContent = "";
  drawFacts(facts ? session : null);
  drawCode(code ? recall(sessionId) : null);
  at("actions").replaceChildren(
    ...actions.map((name) => {
      const [text, style, act] = ACTIONS[name];
      const button = document.createElement("button");
      button.type = "button";
      button.className = `wide ${style}`;
      button.dataset.action = name;
      button.textContent = text;
      button.addEventListener("click", act);
      return button;
    }),
  );
}

function drawFacts(session) {
  const list = at("facts");
  list.hidden = !session;
  if (!session) return;
  const total = minorPrice(session.amount, session.currency);
  const many = session.quantity > 1 ? ` × ${session.quantity}` : "";
  const facts = [
    ["Order", session.sessionId],
    ["For", `${order.title ?? session.plan ?? session.eventId}${many}`],
    ["Total", total],
  ];
  if (session.providerPaymentId) facts.push(["Payment", session.providerPaymentId]);
  list.replaceChildren(
    ...facts.flatMap(([name, value]) => {
      const term = document.createElement("dt");
      const text = document.createElement("dd");
      term.textContent = name;
      text.textContent = value;
      return [term, text];
    }),
  );
}

function drawCode(known) {
  const place = at("code");
  place.hidden = !known?.qrCode;
  if (place.hidden) return;
  const image = document.createElement("img");
  image.src = known.qrCode;
  image.alt = "QR code of the payment";
  const link = document.createElement("a");
  link.className = "button";
  link.href = known.link;
  link.textContent = "Open a UPI app on this phone";
  place.replaceChildren(image, link);
}

/** Do what a button says, once, and show what went wrong. */
async function attempt(work) {
  const buttons = at("actions").querySelectorAll("button");
  for (const button of buttons) button.disabled = true;
  at("problem").textContent = "";
  try {
    await work();
  } catch (error) {
    at("problem").textContent = error.message;
  } finally {
    for (const button of buttons) button.disabled = false;
  }
}

/** Resume, or retry: the server opens a new checkout where the old one has ended. */
function pay() {
  return attempt(async () => {
    const checkout = await resumeCheckout(sessionId, order.clientSecret);
    remember(sessionId, { over: false });
    if (checkout.status === "completed" || checkout.amount !== seen) {
      // Nothing was due; or the price has changed since, and the customer sees it first.
      left = true;
      draw(await readSession(sessionId, order.clientSecret));
      if (checkout.status !== "completed") {
        at("problem").textContent = `The price is ${minorPrice(checkout.amount, checkout.currency)} now.`;
      }
      wake();
      return;
    }
    if (checkout.checkoutUrl && checkout.provider !== "upi") location.assign(checkout.checkoutUrl);
    else if (checkout.provider === "razorpay") {
      // Here Checkout.js would open again; see shop.js.
      const home = encodeURIComponent(`/shop/return?sessionId=${sessionId}`);
      location.assign(`/sandbox/pay/${checkout.providerSessionId}?return=${home}`);
    } else {
      if (checkout.qrCode) remember(sessionId, { qrCode: checkout.qrCode, link: checkout.checkoutUrl });
      draw(await readSession(sessionId, order.clientSecret));
      wake();
    }
  });
}

function cancel() {
  return attempt(async () => {
    draw(await cancelSession(sessionId, order.clientSecret));
    at("headline").focus(); // the button that was pressed is gone
  });
}

let drawn = "";
/** The amount that the page has shown last. */
let seen = null;
function draw(session) {
  seen = session.amount;
  // Only what has changed is drawn, so that nobody's focus or reading is disturbed.
  const key = `${session.status} ${session.version} ${Boolean(session.review)} ${left}`;
  if (key === drawn) return;
  drawn = key;
  remember(sessionId, { over: !["pending", "processing"].includes(session.status) });
  show(wordsFor(session), session);
}

let wake = () => {};
/** Wait, but not while nobody looks; whoever comes back to the tab gets the news at once. */
async function wait(ms) {
  const woken = new Promise((done) => (wake = done));
  await Promise.race([document.hidden ? new Promise(() => {}) : pause(ms), woken]);
}
document.addEventListener("visibilitychange", () => {
  if (!document.hidden) wake();
});

async function follow() {
  let ms = FIRST_MS;
  let asked = false;
  const began = Date.now();
  for (;;) {
    try {
      const session = await readSession(sessionId, order.clientSecret);
      draw(session);
      if (session.status === "completed") return;
      const proven = Object.keys(proof).length === PROOF.length;
      const waitedLong = proven || Date.now() - began > ASK_AFTER_MS;
      if (session.status === "pending" && waitedLong && !left && !asked && session.provider !== "upi") {
        asked = true;
        draw(await verifySession(sessionId, order.clientSecret, proven ? proof : {}));
      }
    } catch (error) {
      if (error instanceof Problem && error.status === 404) {
        unknown();
        return;
      }
      // The network fails, or the server is busy: it is asked again, and says for how long to wait.
      ms = Math.max(ms, (error.retryAfter ?? 0) * 1000);
    }
    await wait(ms);
    ms = Math.min(ms * 1.5, SLOWEST_MS);
  }
}

function unknown() {
  show({
    tone: "warn",
    headline: "This tab does not know the order",
    words: "An order can be followed in the tab that it was made in. If you have paid, it counts all the same.",
    actions: ["shop"],
  });
}

if (order?.clientSecret) {
  const link = document.createElement("a");
  link.href = `/dashboard/sessions/${encodeURIComponent(sessionId)}`;
  link.textContent = "See what happened behind the scenes";
  const back = document.createElement("a");
  back.href = `/dashboard/payments?q=${encodeURIComponent(sessionId)}`;
  back.textContent = "give the money back as its merchant";
  at("behind").append(link, ", or ", back);
  if (order.provider === "upi") {
    const hint = document.createElement("span");
    hint.textContent =
      ". UPI sends no webhooks: your server completes the session, by PATCH /api/payment-sessions with its secret key.";
    at("behind").append(hint);
  }
  follow();
} else {
  unknown();
}
