const tillgate = Tillgate.connect({ key: "{{key}}" });
const form = document.getElementById("order");
const say = (text) => (document.getElementById("said").textContent = text);

/** In which currency each provider is paid here. */
const currency = () => (form.elements.provider.value === "stripe" ? "USD" : "INR");
const items = { eventId: "event_456" };

async function drawPrice() {
  try {
    const { amount, currency: of } = await tillgate.quote({ items, currency: currency() });
    const price = new Intl.NumberFormat("en", { style: "currency", currency: of }).format(amount / 100);
    document.getElementById("price").textContent = price;
  } catch (problem) {
    say(problem.message);
  }
}

form.addEventListener("change", drawPrice);
form.addEventListener("submit", async (event) => {
  event.preventDefault();
  say("");
  try {
    const checkout = await tillgate.open({
      provider: form.elements.provider.value,
      ...items,
      currency: currency(),
      email: form.elements.email.value,
      returnUrl: "/thanks.html",
    });
    const session = await tillgate.redirect(checkout, { into: document.getElementById("code") });
    // Above this page: paid, or the customer has closed it.
    if (session?.status === "completed") location.assign(`/thanks.html?sessionId=${session.sessionId}`);
    else if (session) say(`The order is ${session.status}.`);
  } catch (problem) {
    say(problem.message);
  }
});
drawPrice();
