// What the scripts share: where the sandbox is, what a customer does there, and what was called.

import assert from "node:assert/strict";

/** The address of the sandbox and the keys, from whoever started the script. */
export const given = JSON.parse(process.argv[2]);

/** Each call of a library: its method and path, and the answer where its shape is looked at. */
export const calls = [];

/** Let the customer do something on the pay page of a checkout. */
export async function customer(page, happening, how = {}) {
  const address = `${given.address}/sandbox/pay/${page}/${happening}`;
  const headers = { "content-type": "application/json" };
  const answer = await fetch(address, { method: "POST", headers, body: JSON.stringify(how) });
  assert.equal(answer.status, 200, await answer.text());
}

/** Return the pay page that an address of a checkout leads to. */
export const pageOf = (address) => new URL(address).pathname.split("/").at(-1);

/** Count the calls of an axios client. */
export function counting(client) {
  client.interceptors.request.use((asked) => {
    calls.push({ method: asked.method.toUpperCase(), path: asked.url });
    return asked;
  });
}

/** Return the error of a call that must be refused. */
export async function refused(call) {
  const error = await call.then(() => null, (error) => error);
  assert.ok(error, "the call was not refused");
  return error;
}

/** Tell whoever started the script what was called. */
export const finish = () => console.log(JSON.stringify(calls));
