// What the theme lets scroll can be scrolled by the keyboard too: the lists at the sides, and wide
// tables, which it wraps once the page is there.
const article = document.querySelector("article");

function reach() {
  for (const one of document.querySelectorAll(".md-sidebar__scrollwrap")) one.tabIndex = 0;
  for (const one of article?.querySelectorAll(".md-typeset__scrollwrap") ?? []) {
    one.tabIndex = 0;
    one.setAttribute("role", "group");
    one.setAttribute("aria-label", "Table");
  }
}

reach();
if (article) new MutationObserver(reach).observe(article, { childList: true, subtree: true });
