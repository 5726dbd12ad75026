const tillgate = Tillgate.connect({ key: "{{key}}" });
const say = (text) => (document.getElementById("said").textContent = text);
const sessionId = new URLSearchParams(location.search).get("sessionId");

const WORDS = {
  pending: "Waiting for the payment…",
  processing: "The bank is working on it. You can close this page.",
  failed: "The payment failed; nothing was charged.",
  expired: "The time ran out; nothing was charged.",
  canceled: "The order is canceled; nothing was charged.",
};

/** Ask the shop's own server, which asks Tillgate: what it says counts. */
async function delivered() {
  const answer = await fetch(`/orders/${sessionId}`);
  return answer.ok && (await answer.json()).delivered;
}

async function follow() {
  const session = await tillgate.status({ onChange: ({ status }) => say(WORDS[status] ?? "") });
  if (session.status !== "completed") return;
  say((await delivered()) ? "Thank you, it is paid. Your ticket is on its way." : "It is paid; please ask us.");
}

follow().catch(async (problem) => {
  // Another tab or app than the one that bought: the shop's server knows.
  if (problem.code === "unknown_here" && (await delivered())) say("Thank you, it is paid.");
  else say(problem.message);
});
