// A customer's own subscription: begin one, see how it stands, end it, let it go on, change the plan.
//
// The customer is signed in: the shop's server has signed a token for them (`signIn`), and with it the
// page reads and changes what is theirs. No key of the service is in this page.

import { minorPrice, price } from "./money.js";
import { changeSubscription, HOME, newId, readSubscription, signIn, subscribe, verifyMine } from "./tillgate.js";

const at = (id) => document.getElementById(id);
const form = at("join");
const pause = (ms) => new Promise((done) => setTimeout(done, ms));
const FIRST_MS = 500;
const SLOWEST_MS = 5000;
/** Who comes back is waited for; after these rounds the address may be an old one. */
const ASK_IN_ROUND = 5;
const LAST_ROUND = 20;
const chosen = (name) => form.querySelector(`input[name="${name}"]:checked`);

const query = new URLSearchParams(location.search);
/** The order that the customer comes back from, until its subscription is known. */
let coming = query.has("left") ? null : query.get("sessionId");
let member = null; // {token, expiresAt}
let known = null; // what the server has said last

/** The customer's token; a new one shortly before the old one ends. */
async function token() {
  if (!member || Date.parse(member.expiresAt) - Date.now() < 60_000) member = await signIn();
  return member.token;
}

const day = (time) => new Date(time).toLocaleDateString("en", { day: "numeric", month: "long", year: "numeric" });

const WORDS = {
  incomplete: ["Not paid for yet", "Your first payment has not arrived."],
  trialing: ["You are trying it out", "Nothing is charged before the trial ends."],
  active: ["You are a member", "Thank you for being with us."],
  past_due: ["The last payment failed", "It is tried again in some days. See that your card can be charged."],
  unpaid: ["Your membership rests", "The payment failed too often. Write to us, and we see what can be done."],
  halted: ["Your membership rests", "The payment failed too often. Write to us, and we see what can be done."],
  paused: ["Your membership rests", "It goes on when you like."],
};

/** In these, what the period costs is paid, or nothing is owed for it. */
const PAID = new Set(["trialing", "active"]);

/** Who has no way to let a subscription go on that is to end with its period. */
const FINAL_ENDS = new Set(["razorpay"]);

/** What the button for another plan says: its price is that of today. */
function changeTo(radio, currency) {
  const major = JSON.parse(radio.dataset.prices)[currency];
  return `Change to ${radio.value}${major ? `, ${price(major, currency)} a month` : ""}`;
}

/** How it stands, in words: [status, headline, words, buttons]. */
function wordsFor({ subscription, nextRenewal }) {
  if (coming && subscription?.sessionId !== coming) return ["waiting", "One moment", "We wait for the word of your payment.", []];
  if (!subscription) return ["none", "You are no member yet", "Choose a plan below.", []];
  const { status, provider, cancelAtPeriodEnd, currentPeriodEnd } = subscription;
  if (!status) return ["waiting", "One moment", "Your provider is being asked.", []];
  if (!WORDS[status]) return [status, "Your membership has ended", "You can begin a new one below.", []];
  const [headline, words] = WORDS[status];
  const others = [...form.querySelectorAll('input[name="plan"]')].filter((one) => one.value !== subscription.plan);
  const changes = others.map((one) => [changeTo(one, subscription.currency), "", "change-plan", { plan: one.value }]);
  if (cancelAtPeriodEnd) {
    const goOn = FINAL_ENDS.has(provider) ? [] : [["Stay a member", "primary", "reactivate-subscription", {}]];
    const anew = goOn.length ? "" : " This can't be taken back: once it has ended, you can become a member again.";
    const charged = PAID.has(status) ? "nothing more is charged" : "is not renewed. What is owed until then may still be charged";
    return ["ending", "Your membership ends", `It ends on ${day(currentPeriodEnd)}, and ${charged}.${anew}`, goOn];
  }
  const goOn = status === "paused" ? [["Go on", "primary", "reactivate-subscription", {}]] : [];
  const end = ["Cancel the membership", "quiet", "cancel-subscription", { atPeriodEnd: true }];
  const next = nextRenewal ? ` The next renewal is on ${day(nextRenewal)}.` : "";
  return [status, headline, words + next, [...goOn, ...changes, end]];
}

function button([text, style, act, body]) {
  const made = document.createElement("button");
  made.type = "button";
  made.className = `wide ${style}`;
  made.dataset.action = act;
  made.textContent = text;
  made.addEventListener("click", () => attempt(() => change(act, body)));
  return made;
}

let drawn = "";
/** Draw what has changed, so that nobody's focus or reading is disturbed. */
function draw(said) {
  known = said;
  // When it was read last is not shown, and differs at each reading.
  const { readAt, updatedAt, ...shown } = said.subscription ?? {};
  const key = JSON.stringify([shown, said.payments, coming]);
  if (key === drawn) return;
  drawn = key;
  const [status, headline, words, actions] = wordsFor(said);
  at("state").dataset.status = status;
  at("state").dataset.plan = said.plan ?? "";
  at("headline").textContent = headline;
  at("words").textContent = words;
  at("live").textContent = `${headline}. ${words}`;
  at("actions").replaceChildren(...actions.map(button));
  drawFacts(said);
  drawPayments(said.payments);
  const over = said.subscription && !actions.length && status !== "waiting";
  form.hidden = !(status === "none" || over);
  drawPrices();
}

function drawFacts({ subscription }) {
  const list = at("facts");
  list.hidden = !subscription?.status;
  if (list.hidden) return;
  const { plan, amount, currency, interval, trialEnd, currentPeriodEnd, endedAt, subscriptionId } = subscription;
  const facts = [
    ["Plan", plan],
    ["Price", amount === null ? null : `${minorPrice(amount, currency)} a ${interval ?? "period"}`],
    ["Trial ends", trialEnd && day(trialEnd)],
    ["Paid until", subscription.status === "active" && currentPeriodEnd && day(currentPeriodEnd)],
    ["Ended", endedAt && day(endedAt)],
    ["Number", subscriptionId],
  ];
  list.replaceChildren(
    ...facts.filter(([, value]) => value).flatMap(([name, value]) => [text("dt", name), text("dd", value)]),
  );
  const link = document.createElement("a");
  link.href = `/dashboard/subscriptions/${encodeURIComponent(subscriptionId)}`;
  link.textContent = "See it as its merchant";
  at("behind").replaceChildren(link);
}

function drawPayments(payments) {
  at("paid").hidden = !payments.length;
  const lines = payments.map((one) => text("li", `${minorPrice(one.amount, one.currency)}, ${day(one.createdAt)}: ${one.status}`));
  at("payments").replaceChildren(...lines);
}

function text(tag, words) {
  const made = document.createElement(tag);
  made.textContent = words;
  return made;
}

/** Show what a month costs, in the currency of the chosen provider. */
function drawPrices() {
  const { currency } = chosen("provider").dataset;
  for (const radio of form.querySelectorAll('input[name="plan"]')) {
    const major = JSON.parse(radio.dataset.prices)[currency];
    radio.disabled = !major;
    const tag = form.querySelector(`[data-price="${radio.value}"]`);
    tag.textContent = major ? `${price(major, currency)} a month` : `Has no price in ${currency}`;
  }
}

/** Do what a button says, once, and show what went wrong. */
async function attempt(work) {
  const buttons = document.querySelectorAll("main button");
  for (const one of buttons) one.disabled = true;
  at("problem").textContent = "";
  try {
    await work();
  } catch (error) {
    at("problem").textContent = error.message;
  } finally {
    for (const one of buttons) one.disabled = false;
  }
}

// One press is one change: a network that failed leaves the key, and the next press repeats the call.
let pressed = null; // {what, key}

async function change(act, body) {
  const { subscriptionId } = known.subscription;
  const what = JSON.stringify([act, body, subscriptionId]);
  if (pressed?.what !== what) pressed = { what, key: newId("change_") };
  const { key } = pressed;
  try {
    await changeSubscription(act, { subscriptionId, ...body }, await token(), key);
  } catch (error) {
    if (error.status) pressed = null; // the server has decided
    throw error;
  }
  pressed = null;
  draw(await readSubscription(await token()));
  at("headline").focus(); // the button that was pressed is gone
}

async function join() {
  const sessionId = newId("member_");
  const home = `${HOME}/shop/membership?sessionId=${sessionId}`;
  const { value: provider, dataset } = chosen("provider");
  const order = {
    sessionId,
    provider,
    mode: "subscription",
    plan: chosen("plan").value,
    currency: dataset.currency,
    email: form.elements.email.value.trim(),
    successUrl: home,
    cancelUrl: `${home}&left=1`,
  };
  const opened = await subscribe(order, await token());
  // What was open already for this plan is opened again: the customer comes back to that order.
  const back = `${HOME}/shop/membership?sessionId=${opened.sessionId}`;
  const page = new URL(opened.checkoutUrl);
  // Razorpay leads nobody back by itself; the sandbox's page does, where it is told whereto.
  if (page.origin === location.origin && provider !== "stripe") page.searchParams.set("return", back);
  location.assign(page.href);
}

form.addEventListener("input", drawPrices);
form.addEventListener("submit", (event) => {
  event.preventDefault();
  attempt(join);
});

/** Follow it: fast while something is awaited, and slowly for as long as somebody looks. */
async function follow() {
  let ms = FIRST_MS;
  let rounds = 0;
  for (;;) {
    try {
      const said = await readSubscription(await token());
      if (said.subscription?.sessionId === coming || rounds > LAST_ROUND) coming = null;
      draw(said);
      rounds += 1;
      // The webhook takes its time: the server asks the provider.
      if (coming && rounds === ASK_IN_ROUND) await verifyMine(coming, await token());
    } catch (error) {
      if (!known) at("problem").textContent = error.message;
      ms = Math.max(ms, (error.retryAfter ?? 0) * 1000);
    }
    await pause(ms);
    ms = Math.min(ms * 1.5, SLOWEST_MS);
    while (document.hidden) await pause(SLOWEST_MS);
  }
}

drawPrices();
follow();
