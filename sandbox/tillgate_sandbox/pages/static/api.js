// Calls to the sandbox's own API. Nobody is asked for a key: it exists in development only.

/** Call an address; gives the JSON, or throws an Error with the problem in words. */
export async function call(method, address, body) {
  const answer = await fetch(address, {
    method,
    headers: body === undefined ? {} : { "Content-Type": "application/json" },
    body: body === undefined ? undefined : JSON.stringify(body),
  });
  const said = await answer.json().catch(() => ({}));
  if (!answer.ok) throw new Error(said.detail ?? `The sandbox answered ${answer.status}.`);
  return said;
}

/** Say something where the reader looks; `tone` is good, bad, warn or info. */
export function say(place, text, tone = "") {
  place.className = `say ${tone}`;
  place.textContent = text;
}
