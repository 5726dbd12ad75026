/**
 * Tillgate in a browser: open a session, lead the customer to the payment, wait for its end.
 *
 * A page holds two things: the publishable key (`pk_…`), which is no secret, and the client secret
 * of each session that it has opened, which this keeps for the tab. No browser can complete a
 * session: it is completed once its provider has told the server. So believe `status`, or better
 * your own server's, and never the address that the customer came back to.
 */

import { caller } from "./calling.js";
import { askRazorpay, type Prefill, showCode } from "./leading.js";
import * as memory from "./memory.js";
import { opener } from "./opening.js";
import { Problem } from "./problem.js";
import type { Checkout, Order, Proof, Quote, Session, Wanted } from "./types.js";
import { pause, spread } from "./waiting.js";

export { Problem } from "./problem.js";
export type { Prefill } from "./leading.js";
export type * from "./types.js";

/** Where the server is, and the publishable key. The script that the server serves knows where. */
export interface Options {
  key: string;
  home?: string;
}

/** Which session: by default that of the page's address (`?sessionId=`), else the latest one. */
export interface Which {
  sessionId?: string;
}

/** How long to wait for a session: until `signal` is aborted, ten minutes unless `withinMs` says. */
export interface Waiting extends Which {
  signal?: AbortSignal;
  withinMs?: number;
  /** Called with the session as it stands first, and whenever it has changed. */
  onChange?: (session: Session) => void;
}

/** How to lead the customer: where a QR code goes (else into a dialog), what Razorpay is told. */
export interface Leading extends Omit<Waiting, "sessionId"> {
  into?: Element;
  prefill?: Prefill;
}

export interface Tillgate {
  /** Ask what something costs. Show it, and send `quoteId` with the order: it holds 15 minutes. */
  quote(wanted: Wanted): Promise<Quote>;
  /** Open a session and its checkout. Called twice for one purchase it finds the first one. */
  open(order: Order): Promise<Checkout>;
  /**
   * Lead the customer to the payment. To a page of the provider's: null, the browser is on its way.
   * Above this page (Razorpay, a QR code): the session once it has ended or the customer has left.
   */
  redirect(checkout: Checkout, how?: Leading): Promise<Session | null>;
  /** Wait until a session has ended; at the limit, return it as it stands. */
  status(how?: Waiting): Promise<Session>;
  /** Cancel a session that is still pending; its checkout is closed first. */
  cancel(which?: Which & { reason?: string }): Promise<Session>;
  /** Let the server ask the provider now, instead of waiting for its webhook. */
  verify(which?: Which & { proof?: Proof }): Promise<Session>;
}

const FIRST_MS = 500;
const SLOWEST_MS = 5_000;
const WITHIN_MS = 600_000;
/** A webhook can be slow or get lost: after so long the provider is asked, once. */
const ASK_AFTER_MS = 8_000;

/** Where this script came from, if the server served it. */
const script = globalThis.document?.currentScript;
const HOME = script instanceof HTMLScriptElement && script.src ? new URL(script.src).origin : "";

/** Return the functions, for a server and a publishable key. */
export function connect({ key, home = HOME }: Options): Tillgate {
  const leading = new Map<string, Promise<Session | null>>();
  const call = caller(home.replace(/\/+$/, ""), key);

  /** Return a session's id and secret. Throws `unknown_here` where this tab has not opened it. */
  function known(sessionId?: string): [string, memory.Known] {
    const id = sessionId ?? new URLSearchParams(location.search).get("sessionId") ?? memory.latest() ?? "";
    const found = memory.session(id);
    if (found) return [id, found];
    throw new Problem(0, "unknown_here", `This tab has not opened the session ${id}: ask your own server for it.`);
  }

  const note = (session: Session): Session => {
    memory.noteStatus(session.sessionId, session.status);
    return session;
  };

  async function read(sessionId?: string, signal?: AbortSignal): Promise<Session> {
    const [id, { clientSecret }] = known(sessionId);
    const path = `/api/payment-sessions/${encodeURIComponent(id)}`;
    return note((await call<{ session: Session }>("GET", path, { clientSecret, signal })).session);
  }

  const verify: Tillgate["verify"] = async ({ sessionId, proof } = {}) => {
    const [id, { clientSecret }] = known(sessionId);
    const body = { sessionId: id, ...proof };
    const path = "/api/payment/verify-checkout-session";
    return note((await call<{ session: Session }>("POST", path, { body, clientSecret })).session);
  };

  const status: Tillgate["status"] = async ({ sessionId, signal, withinMs = WITHIN_MS, onChange } = {}) => {
    const [id, { provider }] = known(sessionId);
    const began = Date.now();
    let asked = provider === "upi";
    let last: Session | undefined;
    for (let ms = FIRST_MS; ; ms = Math.min(ms * 1.5, SLOWEST_MS)) {
      let least = ms;
      try {
        const due = !asked && last?.status === "pending" && Date.now() - began > ASK_AFTER_MS;
        asked ||= due;
        const found = due ? await verify({ sessionId: id }) : await read(id, signal);
        if (found.version !== last?.version || found.status !== last.status) onChange?.(found);
        last = found;
        if (memory.ended(found.status)) return found;
      } catch (error) {
        const passing = error instanceof Problem && (!error.status || error.status >= 500 || error.retryAfter);
        if (!passing) throw error;
        if (!last && Date.now() - began >= withinMs) throw error;
        least = Math.max(ms, error.retryAfter * 1000);
      }
      const left = began + withinMs - Date.now();
      if (left <= 0 && last) return last;
      await pause(Math.min(spread(least), Math.max(left, 0)), signal);
    }
  };

  return {
    quote: async (wanted) => (await call<{ quote: Quote }>("POST", "/api/quotes", { body: wanted })).quote,
    open: opener(call, read),
    status,
    verify,
    cancel: async ({ sessionId, reason = "canceled by the customer" } = {}) => {
      const [id, { clientSecret }] = known(sessionId);
      const body = { sessionId: id, status: "canceled", reason };
      return note((await call<{ session: Session }>("PATCH", "/api/payment-sessions", { body, clientSecret })).session);
    },
    redirect: (checkout, how = {}) => {
      // A double click leads once: two of a provider's dialogs would stand above each other.
      const { sessionId } = checkout;
      const work = leading.get(sessionId) ?? lead(checkout, how).finally(() => leading.delete(sessionId));
      leading.set(sessionId, work);
      return work;
    },
  };

  async function lead(checkout: Checkout, { into, prefill, ...waiting }: Leading): Promise<Session | null> {
    const { sessionId, checkoutScript, checkoutUrl } = checkout;
    const wait = () => status({ ...waiting, sessionId });
    if (checkout.status === "pending" && checkoutScript) {
      const proof = await askRazorpay(checkout, checkoutScript, prefill);
      if (!proof) return read(sessionId);
      // Should the server not get through to Razorpay now, its webhook will.
      await verify({ sessionId, proof }).catch((error) => {
        if (error.status >= 400 && error.status < 500) throw error;
      });
      return wait();
    }
    if (checkout.status === "pending" && checkout.qrCode) {
      const left = new AbortController();
      const leave = () => left.abort(waiting.signal?.reason);
      waiting.signal?.addEventListener("abort", leave);
      const remove = showCode(checkout, into, leave);
      try {
        return await status({ ...waiting, sessionId, signal: left.signal });
      } catch (error) {
        waiting.signal?.throwIfAborted();
        if (left.signal.aborted) return await read(sessionId);
        throw error;
      } finally {
        remove();
      }
    }
    location.assign(checkoutUrl ?? known(sessionId)[1].returnUrl);
    return null;
  }
}
