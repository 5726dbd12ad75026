// The chaos page.

import { liven } from "./chaos_form.js";

for (const form of document.querySelectorAll("form.chaos")) liven(form);
