import type { Call } from "./calling.js";
import * as memory from "./memory.js";
import { Problem } from "./problem.js";
import type { Checkout, Order, Session } from "./types.js";

/** What the server answers to whoever opens a checkout. */
interface Opened extends Checkout {
  clientSecret: string | null;
}

const CREATE = "/api/payments/create-checkout";

/** Return what opens sessions. A double click, a reload and a lost answer all find the first one. */
export function opener(call: Call, read: (id: string) => Promise<Session>) {
  const underWay = new Map<string, Promise<Checkout>>();

  /** Lead back to the session that this purchase has opened, unless it came to nothing. */
  async function standing(known: memory.Purchase): Promise<Checkout | undefined> {
    const { sessionId } = known;
    const kept = memory.session(sessionId);
    if (!kept) return;
    const found = await read(sessionId).catch((error) => {
      if (error.status === 404) return;
      throw error;
    });
    if (!found || ["failed", "expired", "canceled"].includes(found.status)) return;
    if (found.status !== "pending") {
      return { ...found, checkoutUrl: kept.returnUrl, checkoutScript: null, qrCode: null };
    }
    const clientSecret = kept.clientSecret;
    const opened = await call<Opened>("POST", CREATE, { body: { sessionId }, clientSecret });
    return keep(opened, { ...kept, ...opened, clientSecret });
  }

  function keep({ clientSecret: _, ...checkout }: Opened, known: memory.Known): Checkout {
    const { clientSecret, provider, returnUrl, qrCode, checkoutScript } = known;
    const kept = { clientSecret, provider, returnUrl, qrCode, checkoutScript };
    memory.keepSession(checkout.sessionId, kept);
    memory.noteStatus(checkout.sessionId, checkout.status);
    return checkout;
  }

  async function begin(order: Order, name: string): Promise<Checkout> {
    let purchase = memory.purchase(name);
    const found = purchase && (await standing(purchase));
    if (found) return found;
    // A key goes with one body: one that was opened, or had another quote, takes a new one.
    if (!purchase || memory.session(purchase.sessionId) || purchase.quoteId !== order.quoteId) {
      const sessionId = order.sessionId ?? `tg_${random()}`;
      purchase = { key: memory.random(16), sessionId, quoteId: order.quoteId };
      memory.keepPurchase(name, purchase);
    }
    const { sessionId } = purchase;
    const { returnUrl, ...bought } = order;
    const home = new URL(returnUrl ?? location.href, location.href);
    home.hash = "";
    home.searchParams.delete("left");
    home.searchParams.set("sessionId", sessionId);
    const successUrl = home.href;
    home.searchParams.set("left", "1");
    const body = { userId: memory.guest(), ...bought, sessionId, successUrl, cancelUrl: home.href };
    try {
      const opened = await call<Opened>("POST", CREATE, { body, idempotencyKey: purchase.key });
      const clientSecret = opened.clientSecret ?? "";
      return keep(opened, { ...opened, clientSecret, returnUrl: successUrl });
    } catch (error) {
      // The server has decided; what failed on the way is repeated under the same key.
      const decided = error instanceof Problem && error.status >= 400 && error.status < 500;
      if (decided && !error.retryAfter) memory.forgetPurchase(name);
      throw error;
    }
  }

  return (order: Order): Promise<Checkout> => {
    // A new quote is of the same purchase.
    const name = JSON.stringify({ ...order, quoteId: undefined });
    let work = underWay.get(name);
    if (!work) {
      work = begin(order, name).finally(() => underWay.delete(name));
      underWay.set(name, work);
    }
    return work;
  };
}

const random = () => memory.random(12);
