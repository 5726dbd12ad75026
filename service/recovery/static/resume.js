// Draws Razorpay's checkout above this page, at once and by its button. Whether it was paid is told
// by the provider's webhook: where the customer goes afterwards says nothing about it.

const button = document.getElementById("draw");

function draw() {
  const { key, order, amount, currency, name, back } = button.dataset;
  new window.Razorpay({
    key,
    order_id: order,
    amount: Number(amount),
    currency,
    name,
    handler: () => window.location.assign(back),
  }).open();
}

button.addEventListener("click", draw);
draw();
