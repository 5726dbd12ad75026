// A page follows by itself what has `data-follow`: while something can still happen, marked by
// `data-live`, the page is read again.

const EVERY_MS = 2000;
/** A session that is completed may still get copies and late events for a while; a job its run. */
const QUIET_ROUNDS = 15;

const pause = (ms) => new Promise((done) => setTimeout(done, ms));

async function follow() {
  let quiet = 0;
  while (quiet < QUIET_ROUNDS) {
    await pause(EVERY_MS);
    if (document.hidden) continue;
    // Nobody has done anything: this keeps nobody signed in.
    const headers = { "X-Unattended": "1" };
    const answer = await fetch(location.pathname, { headers }).catch(() => null);
    // Signed out, or the server is away: the page stays as it is.
    if (!answer?.ok || answer.redirected) return;
    const fresh = new DOMParser().parseFromString(await answer.text(), "text/html");
    const followed = [...document.querySelectorAll("[data-follow]")].map(({ id }) => id);
    const changed = followed.map((id) => replace(id, fresh)).some(Boolean);
    const live = document.querySelector("[data-live]") !== null;
    quiet = changed || live ? 0 : quiet + 1;
  }
}

/** Put in what is new, unless the reader has something open in it. */
function replace(id, fresh) {
  const now = document.getElementById(id);
  const then = fresh.getElementById(id);
  if (!now || !then || now.innerHTML === then.innerHTML) return false;
  if (now.querySelector("details[open], :focus")) return false;
  now.replaceWith(document.adoptNode(then));
  return true;
}

follow();
