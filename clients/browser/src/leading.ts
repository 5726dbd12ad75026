import type { Known } from "./memory.js";
import { Problem } from "./problem.js";
import type { Checkout, CheckoutScript, Proof } from "./types.js";

/** What the page tells a provider's checkout of its customer and itself. */
export interface Prefill {
  name?: string;
  email?: string;
  contact?: string;
}

interface RazorpayCheckout {
  open(): void;
}
type RazorpayOf = new (options: Record<string, unknown>) => RazorpayCheckout;

const scripts = new Map<string, Promise<unknown>>();

/** Load a provider's script, once; one that failed is tried again. */
function load(url: string): Promise<unknown> {
  let loading = scripts.get(url);
  if (!loading) {
    loading = new Promise((resolve, reject) => {
      const script = document.createElement("script");
      script.src = url;
      script.onload = resolve;
      script.onerror = () => {
        script.remove();
        scripts.delete(url);
        reject(new Problem(0, "script_failed", `${url} can't be loaded. Does this page's policy allow it?`));
      };
      document.head.append(script);
    });
    scripts.set(url, loading);
  }
  return loading;
}

/** Open Razorpay's Checkout.js above this page; its proof, or nothing if the customer left. */
export async function askRazorpay(
  checkout: Checkout,
  script: CheckoutScript,
  prefill: Prefill = {},
): Promise<Proof | undefined> {
  await load(script.url);
  const Razorpay = (window as unknown as { Razorpay: RazorpayOf }).Razorpay;
  return new Promise((resolve) => {
    new Razorpay({
      key: script.key,
      order_id: checkout.providerSessionId,
      amount: checkout.amount,
      currency: checkout.currency,
      prefill,
      handler: resolve,
      modal: { ondismiss: () => resolve(undefined) },
    }).open();
  });
}

/**
 * Show a QR code and a link that opens an app on this phone: in an element of the page, or in a
 * dialog of our own. Returns what takes it away; `closed` is called if the customer does.
 */
export function showCode(
  { qrCode, checkoutUrl }: Pick<Known, "qrCode"> & { checkoutUrl: string | null },
  into: Element | undefined,
  closed: () => void,
): () => void {
  const dialog = into ? undefined : document.createElement("dialog");
  const image = Object.assign(document.createElement("img"), { src: qrCode, alt: "QR code of the payment" });
  const link = Object.assign(document.createElement("a"), {
    href: checkoutUrl ?? "",
    textContent: "Open a UPI app on this phone",
  });
  const parts: HTMLElement[] = [image, link];
  if (dialog) {
    const close = Object.assign(document.createElement("button"), { type: "button", textContent: "Close" });
    close.onclick = () => dialog.close();
    dialog.onclose = closed;
    for (const part of [...parts, close]) Object.assign(part.style, { display: "block", margin: "1em auto" });
    dialog.append(...parts, close);
    document.body.append(dialog);
    dialog.showModal();
  } else {
    into?.replaceChildren(...parts);
  }
  return () => {
    if (dialog) dialog.onclose = null;
    dialog?.remove();
    for (const part of parts) part.remove();
  };
}
