/** Return a time of about `ms`, so that many who wait don't come back at once. */
export const spread = (ms: number) => ms * (0.75 + Math.random() / 2);

/**
 * Wait, and at most until somebody looks at the page again: whoever comes back to the tab gets the
 * news at once. Rejects with the signal's reason once it is aborted.
 */
export function pause(ms: number, signal?: AbortSignal): Promise<void> {
  return new Promise((resolve, reject) => {
    signal?.throwIfAborted();
    const woken = () => {
      if (!document.hidden || signal?.aborted) done();
    };
    const done = () => {
      clearTimeout(timer);
      document.removeEventListener("visibilitychange", woken);
      signal?.removeEventListener("abort", woken);
      if (signal?.aborted) reject(signal.reason);
      else resolve();
    };
    const timer = setTimeout(done, ms);
    document.addEventListener("visibilitychange", woken);
    signal?.addEventListener("abort", woken);
  });
}
