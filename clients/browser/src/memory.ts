// What this tab knows of its purchases, so that the page to which the customer comes back can ask.
//
// sessionStorage: of this origin and this tab, and gone with it, since a client secret is a
// credential. No cookie is used, so a browser that refuses those of others refuses nothing here.

import type { CheckoutScript, Provider, Status } from "./types.js";

/** A session that was opened here. */
export interface Known {
  clientSecret: string;
  provider: Provider;
  returnUrl: string;
  qrCode: string | null;
  checkoutScript: CheckoutScript | null;
}

/** One purchase: the key under which it is opened, and with what, until its session ends. */
export interface Purchase {
  key: string;
  sessionId: string;
  quoteId: string | undefined;
}

interface Kept {
  guest?: string;
  latest?: string;
  sessions: Record<string, Known>;
  purchases: Record<string, Purchase>;
}

const PLACE = "tillgate";
const MOST = 20;
/** Where the browser keeps nothing (all site data blocked): as long as the page stands. */
let inMemory = "";

function all(): Kept {
  let text: string | null = inMemory;
  try {
    text = sessionStorage.getItem(PLACE) ?? inMemory;
  } catch {}
  try {
    return { sessions: {}, purchases: {}, ...JSON.parse(text || "{}") };
  } catch {
    return { sessions: {}, purchases: {} };
  }
}

function change(how: (kept: Kept) => void): void {
  const kept = all();
  how(kept);
  for (const id of Object.keys(kept.sessions).slice(0, -MOST)) delete kept.sessions[id];
  inMemory = JSON.stringify(kept);
  try {
    sessionStorage.setItem(PLACE, inMemory);
  } catch {}
}

/** Return `size` random bytes as text that a session id and a header may have. */
export function random(size: number): string {
  const bytes = crypto.getRandomValues(new Uint8Array(size));
  return [...bytes].map((byte) => byte.toString(16).padStart(2, "0")).join("");
}

export const session = (id: string): Known | undefined => all().sessions[id];
export const latest = (): string | undefined => all().latest;
export const purchase = (name: string): Purchase | undefined => all().purchases[name];

export function keepSession(id: string, known: Known): void {
  change((kept) => {
    delete kept.sessions[id]; // the newest is the last
    kept.sessions[id] = known;
    kept.latest = id;
  });
}

export function keepPurchase(name: string, found: Purchase): void {
  change((kept) => {
    kept.purchases[name] = found;
  });
}

export function forgetPurchase(name: string): void {
  change((kept) => {
    delete kept.purchases[name];
  });
}

/** Forget the purchases of a session that has ended: the next press of the button is a new one. */
export function noteStatus(id: string, status: Status): void {
  if (!ended(status)) return;
  change((kept) => {
    for (const [name, one] of Object.entries(kept.purchases)) {
      if (one.sessionId === id) delete kept.purchases[name];
    }
  });
}

export const ended = (status: Status): boolean => status !== "pending" && status !== "processing";

/** Return a guest's id, the same one for as long as the tab stands. */
export function guest(): string {
  const known = all().guest ?? `guest_${random(12)}`;
  change((kept) => {
    kept.guest = known;
  });
  return known;
}
