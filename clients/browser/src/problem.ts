import type { FieldProblem } from "./types.js";

/**
 * What was refused, or could not be asked: the problem details of RFC 9457.
 *
 * `message` is for people. `code` is stable and for programs (docs/api.md lists them); besides those
 * of the server there are `unreachable` (nobody answered: `status` is 0), `unknown_here` (this tab
 * did not open the session) and `script_failed` (a provider's script did not load). `errors` names
 * the fields at fault, `retryAfter` is in seconds, `requestId` finds the call in the server's log.
 */
export class Problem extends Error {
  override readonly name = "Problem";
  constructor(
    readonly status: number,
    readonly code: string,
    message: string,
    readonly errors: readonly FieldProblem[] = [],
    readonly retryAfter = 0,
    readonly requestId = "",
  ) {
    super(message);
  }
}

/** Return the problem that an answer tells of, also where it is none of the server's own. */
export async function problemOf(answer: Response): Promise<Problem> {
  const said = await answer.json().catch(() => ({}));
  const header = (name: string) => answer.headers.get(name) ?? "";
  return new Problem(
    answer.status,
    said.error ?? "unexpected",
    said.detail ?? `The server answered ${answer.status}.`,
    said.errors ?? [],
    Number(header("Retry-After")) || 0,
    header("X-Request-Id"),
  );
}
