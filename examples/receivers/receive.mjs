// A receiver of Tillgate's webhooks: the signature is checked by the library of the standard.
//
// WEBHOOK_SECRET is what the endpoint's creation answered (`whsec_…`); several, with commas, while it
// is rotated.
import { createServer } from "node:http";
import { Webhook } from "standardwebhooks";

const LARGEST = 1_000_000;
const webhooks = (process.env.WEBHOOK_SECRET ?? "").split(",").map((secret) => new Webhook(secret));
const taken = new Set(); // in your database: a unique column, in the transaction of the delivery

/** The event, or null if none of our secrets has signed this very text lately. */
function verified(headers, body) {
  for (const webhook of webhooks) {
    try {
      return webhook.verify(body, headers);
    } catch {
      // Signed by another secret, long ago, or by nobody.
    }
  }
  return null;
}

/** Deliver what was paid, once. */
function take(event) {
  if (taken.has(event.id)) return;
  if (event.type === "session.completed") console.log("paid", event.sessionId); // deliver here
  taken.add(event.id);
}

async function receive(request, response) {
  const pieces = [];
  let length = 0;
  for await (const piece of request) {
    length += piece.length;
    if (length > LARGEST) return response.writeHead(400, { Connection: "close" }).end();
    pieces.push(piece);
  }
  const event = verified(request.headers, Buffer.concat(pieces).toString());
  if (event) take(event);
  response.writeHead(event ? 200 : 400).end();
}

createServer((request, response) => {
  // A body that breaks off must not end the process for everybody else.
  receive(request, response).catch(() => response.destroy());
}).listen(Number(process.env.PORT ?? 3002), "127.0.0.1");
