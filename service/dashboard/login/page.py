"""The page that asks for an admin key."""

from service.web.pages.markup import h, join
from service.web.pages.page import Page


def login_page(token: str, following: str, problem: str | None = None) -> Page:
    """Build the form; `following` is where it leads afterwards."""
    main = join(
        h(
            "form",
            h("h1", "Sign in"),
            h(
                "p",
                "With an admin key (",
                h("code", "ak_…"),
                "). In development ",
                h("code", "tillgate dev"),
                " has printed one; it stands in the data directory's ",
                h("code", "development.env"),
                ".",
                class_="soft",
            ),
            h(
                "div",
                h("label", "Admin key", for_="key"),
                h(
                    "input",
                    id="key",
                    name="key",
                    type="password",
                    autocomplete="current-password",
                    required=True,
                    autofocus=True,
                    maxlength=256,
                    aria_describedby="problem",
                ),
                class_="field",
            ),
            h("input", type="hidden", name="token", value=token),
            h("input", type="hidden", name="next", value=following),
            h("p", problem, class_="say bad", role="alert", id="problem"),
            h("button", "Sign in", class_="primary"),
            method="post",
            action="/dashboard/login",
            class_="card",
        )
    )
    return Page(title="Sign in", main=main, width="narrow")
