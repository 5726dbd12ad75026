// What this tab remembers of its orders: {sessionId: {clientSecret, title, …}}.
//
// sessionStorage and not localStorage: a clientSecret is a credential, and one that is gone with the
// tab can't be found on a shared computer. A shop whose customers sign in needs none of this: there
// the customer's token opens and reads the customer's own sessions.

const PLACE = "lantern.orders";
const GUEST = "lantern.guest";

import { newId } from "./tillgate.js";

function all() {
  try {
    return JSON.parse(sessionStorage.getItem(PLACE)) ?? {};
  } catch {
    return {};
  }
}

/** Remember something about an order; what is known of it already stays. */
export function remember(sessionId, facts) {
  const orders = all();
  orders[sessionId] = { ...orders[sessionId], ...facts };
  sessionStorage.setItem(PLACE, JSON.stringify(orders));
}

/** Give what is known of an order, or null. */
export function recall(sessionId) {
  return all()[sessionId] ?? null;
}

/** Find an order that is still open for this plan and provider: [sessionId, order], or null. */
export function findOpen(item, provider) {
  const found = Object.entries(all()).filter(
    ([, order]) => order.item === item && order.provider === provider && !order.over,
  );
  return found.at(-1) ?? null;
}

/** A guest's id: the server wants to know whose session it is. Yours is the signed-in user's. */
export function guestId() {
  const known = sessionStorage.getItem(GUEST);
  if (known) return known;
  const made = newId("guest_");
  sessionStorage.setItem(GUEST, made);
  return made;
}
