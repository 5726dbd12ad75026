import { Problem, problemOf } from "./problem.js";
import { pause, spread } from "./waiting.js";

/** What a call carries besides its path. */
export interface Sent {
  body?: unknown;
  clientSecret?: string | undefined;
  idempotencyKey?: string;
  signal?: AbortSignal | undefined;
}

export type Call = <Answer>(method: string, path: string, sent?: Sent) => Promise<Answer>;

/** A lost answer is asked for again so often: whatever is called may be repeated. */
const TRIES = 4;
const FIRST_MS = 400;
/** Who is told to come back later than this decides for themselves. */
const LONGEST_S = 5;
/** A server that has not answered by now has been lost on the way. */
const ANSWERS_WITHIN_MS = 30_000;

/** Return what calls the server at `home` with a key. No cookie is sent or kept. */
export function caller(home: string, key: string): Call {
  async function once<Answer>(method: string, path: string, sent: Sent): Promise<Answer> {
    const headers: Record<string, string> = { Authorization: `Bearer ${key}` };
    if (sent.body) headers["Content-Type"] = "application/json";
    if (sent.clientSecret) headers["X-Client-Secret"] = sent.clientSecret;
    if (sent.idempotencyKey) headers["Idempotency-Key"] = sent.idempotencyKey;
    const late = new AbortController();
    const stop = () => late.abort(sent.signal?.reason);
    sent.signal?.addEventListener("abort", stop);
    const timer = setTimeout(stop, ANSWERS_WITHIN_MS);
    try {
      const answer = await fetch(home + path, {
        method,
        headers,
        credentials: "omit",
        cache: "no-store",
        signal: late.signal,
        ...(sent.body ? { body: JSON.stringify(sent.body) } : {}),
      });
      if (!answer.ok) throw await problemOf(answer);
      return await answer.json();
    } catch (error) {
      sent.signal?.throwIfAborted();
      if (error instanceof Problem) throw error;
      throw new Problem(
        0,
        "unreachable",
        `${home} can't be reached. Is this browser online, does the server run, and is ${location.origin} ` +
          "one of its CORS_ORIGINS?",
      );
    } finally {
      clearTimeout(timer);
      sent.signal?.removeEventListener("abort", stop);
    }
  }

  return async (method, path, sent = {}) => {
    for (let tried = 1, ms = FIRST_MS; ; tried++, ms *= 2) {
      try {
        return await once(method, path, sent);
      } catch (error) {
        sent.signal?.throwIfAborted();
        const again = error instanceof Problem && (!error.status || error.retryAfter);
        if (!again || tried === TRIES || error.retryAfter > LONGEST_S) throw error;
        await pause(spread(Math.max(ms, error.retryAfter * 1000)), sent.signal);
      }
    }
  };
}
