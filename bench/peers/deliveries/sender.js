// A sender of webhooks on undici and the native driver: the same rows, the same retries, the same
// caps as Tillgate's, and every try kept. It sends what is due until nothing is, and says what it took.
//
// It does less: it reads plain secrets, trusts every address, and knows neither order nor alerts.
import { createHmac, randomBytes } from 'node:crypto';
import { MongoClient } from 'mongodb';
import { Agent, request } from 'undici';

const [uri, database] = process.argv.slice(2);
const WAITS_MS = [5, 300, 1800, 7200, 18000, 36000, 36000].map((seconds) => seconds * 1000);
const AT_ONCE = 400;
const AT_ONCE_EACH = 8;
const AT_ONCE_FAILING = 2;
const LINE = 64;
const LEASE_MS = 60_000;
const PUT_OFF_MS = 15_000;
const ANSWERS_WITHIN_MS = 15_000;
const KEPT_AT_ONCE = 100;
const KEEP_EVERY_MS = 50;
const LONGEST_ANSWER = 500;
const MOST_ATTEMPTS = 30;

const concerns = 'w=majority&journal=true&readConcernLevel=majority';
const client = await new MongoClient(`${uri}&${concerns}`).connect();
const rows = client.db(database).collection('webhook_deliveries');
const endpoints = client.db(database).collection('webhook_endpoints');
const dispatcher = new Agent({ connections: AT_ONCE, pipelining: 1, keepAliveTimeout: 20_000 });
const known = new Map((await endpoints.find().toArray()).map((one) => [one._id, one]));

const waiting = new Map();
const busy = new Map();
const failing = new Set();
const half = Math.floor((await rows.countDocuments({ status: 'pending' })) / 2);
const megabytes = () => process.memoryUsage().rss / 1024 / 1024;
let halfMb = 0;
let held = 0;
let tries = 0;
let tried = [];
let putOff = [];
let wake = () => {};

function signatureOf(secret, id, seconds, body) {
  const key = Buffer.from(secret.replace(/^whsec_/, ''), 'base64');
  return `v1,${createHmac('sha256', key).update(`${id}.${seconds}.${body}`).digest('base64')}`;
}

async function post(endpoint, row) {
  const seconds = Math.floor(Date.now() / 1000);
  const { statusCode, body } = await request(endpoint.url, {
    method: 'POST',
    dispatcher,
    headersTimeout: ANSWERS_WITHIN_MS,
    bodyTimeout: ANSWERS_WITHIN_MS,
    headers: {
      'content-type': 'application/json',
      'user-agent': 'Peer-Webhooks/1',
      'webhook-id': row.eventId,
      'webhook-timestamp': String(seconds),
      'webhook-signature': signatureOf(endpoint.plain, row.eventId, seconds, row.body),
    },
    body: row.body,
  });
  return { status: statusCode, answer: (await body.text()).slice(0, LONGEST_ANSWER) };
}

async function send(row) {
  const at = new Date();
  const attempt = { at, tookMs: 0, status: null, answer: null, error: null };
  tries += 1;
  if (tries === half) halfMb = megabytes();
  try {
    Object.assign(attempt, await post(known.get(row.endpointId), row));
    const taken = attempt.status >= 200 && attempt.status < 300;
    if (!taken) attempt.error = `It answered ${attempt.status}.`;
  } catch (error) {
    attempt.error = `There was no answer: ${error.message}`;
  }
  attempt.tookMs = Date.now() - at.getTime();
  tried.push({ row, attempt });
  const id = row.endpointId;
  busy.set(id, busy.get(id) - 1);
  held -= 1;
  if (attempt.error === null) failing.delete(id);
  else leave(id);
  start(id);
  if (tried.length >= KEPT_AT_ONCE || held === 0) wake();
}

function leave(id) {
  failing.add(id);
  const left = waiting.get(id) ?? [];
  waiting.set(id, []);
  held -= left.length;
  putOff.push(...left);
}

function start(id) {
  const line = waiting.get(id) ?? [];
  const most = failing.has(id) ? AT_ONCE_FAILING : AT_ONCE_EACH;
  while (line.length && (busy.get(id) ?? 0) < most) {
    busy.set(id, (busy.get(id) ?? 0) + 1);
    send(line.shift());
  }
}

async function claim() {
  const room = AT_ONCE - held;
  if (room < AT_ONCE / 4) return false;
  const now = new Date();
  const full = [...waiting].filter(([, line]) => line.length >= LINE).map(([id]) => id);
  const due = { status: 'pending', nextAttemptAt: { $lte: now } };
  const wanted = full.length ? { ...due, endpointId: { $nin: full } } : due;
  let taken = await rows.find(wanted).sort({ nextAttemptAt: 1 }).limit(room).toArray();
  if (!taken.length) return false;
  const name = randomBytes(8).toString('hex');
  const ids = taken.map((row) => row._id);
  const change = { claim: name, nextAttemptAt: new Date(now.getTime() + LEASE_MS) };
  const done = await rows.updateMany({ ...due, _id: { $in: ids } }, { $set: change });
  if (done.modifiedCount < taken.length) {
    const ours = await rows.find({ _id: { $in: ids }, claim: name }).project({ _id: 1 }).toArray();
    const own = new Set(ours.map((row) => row._id));
    taken = taken.filter((row) => own.has(row._id));
  }
  for (const row of taken) {
    row.claim = name;
    const line = waiting.get(row.endpointId) ?? [];
    waiting.set(row.endpointId, line);
    const under = (busy.get(row.endpointId) ?? 0) + line.length;
    if (failing.has(row.endpointId) && under >= AT_ONCE_FAILING) {
      putOff.push(row);
    } else {
      line.push(row);
      held += 1;
    }
  }
  for (const id of new Set(taken.map((row) => row.endpointId))) start(id);
  return true;
}

function keptOf({ row, attempt }) {
  const fields = { claim: null, tries: row.tries + 1 };
  const wait = attempt.error === null ? undefined : WAITS_MS[row.tries];
  if (attempt.error === null) Object.assign(fields, { status: 'delivered', doneAt: new Date() });
  else if (wait === undefined) Object.assign(fields, { status: 'failed', doneAt: new Date() });
  else fields.nextAttemptAt = new Date(Date.now() + wait * (0.8 + 0.4 * Math.random()));
  return {
    updateOne: {
      filter: { _id: row._id, claim: row.claim, status: 'pending' },
      update: { $set: fields, $push: { attempts: { $each: [attempt], $slice: -MOST_ATTEMPTS } } },
    },
  };
}

async function keep() {
  const some = tried;
  const left = putOff;
  tried = [];
  putOff = [];
  if (some.length) await rows.bulkWrite(some.map(keptOf), { ordered: false });
  if (left.length) {
    const change = { claim: null, nextAttemptAt: new Date(Date.now() + PUT_OFF_MS) };
    const filter = { _id: { $in: left.map((row) => row._id) }, status: 'pending' };
    await rows.updateMany(filter, { $set: change });
  }
  for (const id of new Set(some.filter((one) => one.attempt.error).map((one) => one.row.endpointId))) {
    const since = { failingSince: new Date() };
    await endpoints.updateOne({ _id: id, failingSince: null }, { $set: since });
  }
}

const before = { began: new Date(), cpu: process.cpuUsage() };
for (;;) {
  const more = await claim();
  if (!more && held === 0 && !tried.length && !putOff.length) break;
  await new Promise((resolve) => {
    wake = resolve;
    setTimeout(resolve, KEEP_EVERY_MS);
  });
  await keep();
}
const used = process.cpuUsage(before.cpu);
const said = {
  began: before.began.toISOString(),
  tries,
  cpu_s: (used.user + used.system) / 1e6,
  half_mb: halfMb,
  after_mb: megabytes(),
};
process.stdout.write(`${JSON.stringify(said)}\n`);
await dispatcher.destroy();
await client.close();
