// The form that chooses faults. It stands on the chaos page and on each pay page.

import { call, say } from "./api.js";

/** Bring a form to life; `changed` is called with what the API answers. */
export function liven(form, changed = () => {}) {
  const said = form.querySelector("[data-said]");
  const boxes = [...form.querySelectorAll('input[name="faults"]')];

  async function send(method, body, text) {
    try {
      changed(await call(method, form.dataset.target, body));
      say(said, text, "good");
    } catch (error) {
      say(said, error.message, "bad");
    }
  }

  for (const preset of form.querySelectorAll("[data-preset]")) {
    preset.addEventListener("click", () => {
      const wanted = preset.dataset.preset.split(" ");
      for (const box of boxes) box.checked = wanted.includes(box.value);
      say(said, "Chosen, not applied yet.");
    });
  }

  form.querySelector("[data-forget]")?.addEventListener("click", () => {
    send("DELETE", undefined, "The standing rule holds here.");
  });

  form.addEventListener("submit", (event) => {
    event.preventDefault();
    const faults = boxes.filter((box) => box.checked).map((box) => box.value);
    const body = { faults };
    for (const name of ["copies", "delayMs", "seed"]) body[name] = form.elements[name].valueAsNumber;
    const text = faults.length ? `Applied: ${faults.length} fault(s).` : "Applied: nothing goes wrong.";
    send("PUT", body, text);
  });

  for (const button of form.querySelectorAll("button")) button.disabled = false;
}
