// Plays Razorpay's Checkout.js: a dialog above the merchant's page, with what a customer could do.
//
// https://razorpay.com/docs/payments/payment-gateway/web-integration/standard: of its options it
// takes key, order_id, amount, currency, name, prefill, handler, callback_url, redirect and
// modal.ondismiss; of its events `payment.failed`.

const HOME = new URL(document.currentScript.src).origin;

const WAYS = [
  ["Pay by card", "paid"],
  ["Decline the payment", "declined"],
];

async function happen(orderId, happening) {
  const answer = await fetch(`${HOME}/sandbox/pay/${encodeURIComponent(orderId)}/${happening}`, {
    method: "POST",
    headers: { "Content-Type": "application/json" },
    body: JSON.stringify({ method: "card" }),
  });
  const said = await answer.json();
  if (!answer.ok) throw new Error(said.detail);
  return said;
}

/** Post the proof as a form, as Razorpay does where the page asks to be sent on. */
function send(address, fields) {
  const form = document.createElement("form");
  Object.assign(form, { method: "post", action: address, hidden: true });
  for (const [name, value] of Object.entries(fields)) {
    form.append(Object.assign(document.createElement("input"), { name, value }));
  }
  document.body.append(form);
  form.submit();
}

window.Razorpay = class {
  constructor(options) {
    if (!options?.key) throw new Error("`key` is mandatory");
    if (!options.order_id) throw new Error("The sandbox opens orders only: `order_id` is missing");
    this.options = options;
    this.heard = {};
  }

  on(event, heard) {
    this.heard[event] = heard;
  }

  open() {
    const { options } = this;
    const dialog = document.createElement("dialog");
    const said = document.createElement("p");
    said.setAttribute("role", "status");
    const title = document.createElement("h2");
    title.textContent = `Razorpay, played by the sandbox${options.name ? `: ${options.name}` : ""}`;
    const buttons = WAYS.map(([text, happening]) => {
      const button = document.createElement("button");
      button.type = "button";
      button.textContent = text;
      button.addEventListener("click", () => this.act(happening, buttons, said));
      return button;
    });
    const close = document.createElement("button");
    close.type = "button";
    close.textContent = "Close the checkout";
    close.addEventListener("click", () => dialog.close());
    dialog.addEventListener("close", () => {
      dialog.remove();
      if (!this.paid) options.modal?.ondismiss?.();
    });
    dialog.className = "razorpay-container";
    for (const part of [title, said, ...buttons, close]) Object.assign(part.style, { margin: "0.4rem" });
    dialog.append(title, said, ...buttons, close);
    document.body.append(dialog);
    dialog.showModal();
    this.close = () => dialog.close();
  }

  async act(happening, buttons, said) {
    const { options } = this;
    for (const button of buttons) button.disabled = true;
    try {
      const { handedOver, status } = await happen(options.order_id, happening);
      if (status !== "paid") {
        said.textContent = "The bank declined. You can try again.";
        this.heard["payment.failed"]?.({ error: { code: "BAD_REQUEST_ERROR", reason: "payment_failed" } });
        return;
      }
      this.paid = true;
      this.close();
      if (options.callback_url && options.redirect) send(options.callback_url, handedOver);
      else options.handler?.(handedOver);
    } catch (error) {
      said.textContent = error.message;
    } finally {
      for (const button of buttons) button.disabled = false;
    }
  }
};
