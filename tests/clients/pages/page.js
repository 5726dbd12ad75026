// A merchant's page: buys an evening with the provider of `?provider=`, and waits on /thanks.html.
const query = new URLSearchParams(location.search);
const at = (id) => document.getElementById(id);
const tillgate = Tillgate.connect({ key: query.get("key") ?? "{key}" });

const show = (session) => {
  if (session) at("status").textContent = session.status;
};
const fail = (problem) => {
  Object.assign(at("problem").dataset, { code: problem.code, status: problem.status });
  at("problem").textContent = problem.message;
};

const provider = query.get("provider") ?? "stripe";
const order = { provider, eventId: "event_456", email: "ada@example.com", returnUrl: "/thanks.html" };

/** Open and lead; a test calls it as well. */
async function buy(more = {}) {
  try {
    const checkout = await tillgate.open({ ...order, ...more });
    show(await tillgate.redirect(checkout, { into: query.has("dialog") ? undefined : at("code"), onChange: show }));
  } catch (problem) {
    fail(problem);
  }
}

at("buy")?.addEventListener("click", () => buy());
at("cancel").addEventListener("click", () => tillgate.cancel().then(show, fail));
if (location.pathname === "/thanks.html") tillgate.status({ onChange: show }).then(show, fail);
