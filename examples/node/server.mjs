// A shop with a backend of its own: `node examples/node/server.mjs`, beside `tillgate dev`.
//
// It serves two pages, and decides what is delivered: it asks Tillgate with the secret key, and
// believes neither the browser nor an address. Node 20, and nothing besides.

import { createServer } from "node:http";
import { readFileSync } from "node:fs";
import { readFile } from "node:fs/promises";
import { dirname, extname, join } from "node:path";
import { fileURLToPath } from "node:url";

const here = dirname(fileURLToPath(import.meta.url));

/** What this shop sells, and at which price, in minor units. The catalog of Tillgate has the same. */
const TICKET = { eventId: "event_456", amounts: { USD: 1000, INR: 1000 } };

const { address, publishable, secret } = settings();
const port = Number(process.env.PORT ?? 3000);

/** Orders that were paid, by their session: once each. A database, in a shop of yours. */
const delivered = new Map();

/** Read the keys: from the environment, else from what `tillgate dev` has generated. */
function settings() {
  const home = process.env.TILLGATE_DATA_DIR ?? ".tillgate";
  const kept = (name) => {
    try {
      return readFileSync(join(home, name), "utf8");
    } catch {
      return "";
    }
  };
  const generated = (name) => kept("development.env").match(new RegExp(`^${name}="(.*)"$`, "m"))?.[1];
  const found = {
    address: process.env.TILLGATE_ADDRESS ?? kept("address").trim(),
    publishable: process.env.TILLGATE_PUBLISHABLE_KEY ?? generated("API_PUBLISHABLE_KEYS"),
    secret: process.env.TILLGATE_SECRET_KEY ?? generated("API_SECRET_KEYS"),
  };
  if (!found.address || !found.publishable || !found.secret) {
    console.error("Start `tillgate dev` in this directory first, or set TILLGATE_ADDRESS and both keys.");
    process.exit(1);
  }
  return found;
}

/** Ask Tillgate about a session. Returns null for one that it does not know. */
async function sessionOf(sessionId) {
  const answer = await fetch(`${address}/api/payment-sessions/${encodeURIComponent(sessionId)}`, {
    headers: { Authorization: `Bearer ${secret}` },
  });
  if (answer.status === 404) return null;
  if (!answer.ok) throw new Error(`Tillgate answered ${answer.status}: ${(await answer.json()).detail}`);
  return (await answer.json()).session;
}

/** Deliver what was paid for, once: if it is ours, and at our price. */
function deliver(session) {
  if (session.status !== "completed" || delivered.has(session.sessionId)) return;
  const price = TICKET.amounts[session.currency];
  if (session.eventId !== TICKET.eventId || session.amount !== price * session.quantity) return;
  delivered.set(session.sessionId, new Date());
  console.log(`paid: ${session.sessionId}, ${session.quantity} x ${session.eventId} for ${session.email}`);
}

async function order(sessionId) {
  const session = await sessionOf(sessionId);
  if (!session) return [404, { detail: "There is no such order." }];
  deliver(session);
  return [200, { status: session.status, delivered: delivered.has(sessionId) }];
}

const TYPES = { ".html": "text/html; charset=utf-8", ".js": "text/javascript; charset=utf-8" };

/** Return a page, with the address of Tillgate and the publishable key filled in. */
async function page(path) {
  const name = path === "/" ? "index.html" : path.slice(1);
  if (!/^[a-z]+\.(html|js)$/.test(name)) return null;
  const text = await readFile(join(here, "public", name), "utf8").catch(() => null);
  return text && [TYPES[extname(name)], text.replaceAll("{{address}}", address).replaceAll("{{key}}", publishable)];
}

async function answer(request, response) {
  const { pathname } = new URL(request.url, "http://localhost");
  const asked = pathname.match(/^\/orders\/([A-Za-z0-9_-]{1,40})$/);
  if (asked) {
    const [status, body] = await order(asked[1]);
    response.writeHead(status, { "Content-Type": "application/json" }).end(JSON.stringify(body));
    return;
  }
  const found = request.method === "GET" && (await page(pathname));
  if (found) response.writeHead(200, { "Content-Type": found[0] }).end(found[1]);
  else response.writeHead(404).end("Not found");
}

const server = createServer((request, response) => {
  answer(request, response).catch((error) => {
    console.error(error.message);
    if (!response.headersSent) response.writeHead(502, { "Content-Type": "application/json" });
    response.end(JSON.stringify({ detail: "The shop can't reach Tillgate just now." }));
  });
});
server.listen(port, "localhost", () => {
  console.log(`The shop is at http://localhost:${server.address().port}; it sells through ${address}.`);
});
for (const signal of ["SIGINT", "SIGTERM"]) {
  process.on(signal, () => {
    server.closeAllConnections();
    server.close();
  });
}
