"""The form that chooses faults, for all checkouts or for one."""

from service.web.pages.markup import Html, h
from tillgate_sandbox.chaos import EVERYTHING, Chaos, Fault
from tillgate_sandbox.pages.views import LONGEST_DELAY_MS, MOST_COPIES
from tillgate_sandbox.pages.words import FAULTS

_NUMBERS = (
    ("copies", "Copies", "of each event, when duplicated", 1, MOST_COPIES),
    ("delayMs", "Longest delay", "in milliseconds", 0, LONGEST_DELAY_MS),
    ("seed", "Seed", "the same one repeats the run", 0, 2**31 - 1),
)


def chaos_form(chaos: Chaos, *, own: str | None = None, is_own: bool = True) -> Html:
    """Build the form as it stands. `own` is the page id of the checkout that it is for."""
    values = {"copies": chaos.copies, "delayMs": chaos.delay_ms, "seed": chaos.seed}
    target = "/sandbox/api/chaos" if own is None else f"/sandbox/api/checkouts/{own}/chaos"
    everything = " ".join(EVERYTHING)
    forget = _button("Follow the standing rule", class_="quiet", data_forget=True)
    apply = _button(
        "Apply to this checkout" if own else "Apply to every checkout",
        type="submit",
        class_="primary",
    )
    return h(
        "form",
        h(
            "div",
            _button("Everything", data_preset=everything),
            _button("Nothing", class_="quiet", data_preset=""),
            h("span", "“Everything” is what still ends paid.", class_="soft small"),
            class_="row",
        ),
        h(
            "fieldset",
            h("legend", "Faults"),
            h("div", [_fault(fault, chaos) for fault in FAULTS], class_="faults"),
        ),
        h("div", [_number(*one, value=values[one[0]]) for one in _NUMBERS], class_="numbers"),
        h("div", apply, forget if own else None, class_="row"),
        h("p", _said(own, is_own), class_="say", role="status", data_said=True),
        class_="chaos stack",
        data_target=target,
    )


def _button(text: str, **attributes: str | bool) -> Html:
    """Give a button that waits for the script to listen."""
    given: dict[str, str | bool] = {"type": "button", "disabled": True, **attributes}
    return h("button", text, **given)


def _fault(fault: Fault, chaos: Chaos) -> Html:
    name, meaning = FAULTS[fault]
    box = h("input", type="checkbox", name="faults", value=fault, checked=fault in chaos.faults)
    return h("label", box, h("span", h("b", name), h("small", meaning)), class_="choice")


def _number(name: str, label: str, hint: str, least: int, most: int, *, value: int) -> Html:
    return h(
        "div",
        h("label", label, " ", h("span", hint, class_="hint"), for_=name),
        h(
            "input",
            id=name,
            name=name,
            type="number",
            inputmode="numeric",
            min=least,
            max=most,
            value=value,
            required=True,
        ),
        class_="field",
    )


def _said(own: str | None, is_own: bool) -> str:
    if own is None:
        return ""
    return "This checkout has faults of its own." if is_own else "The standing rule holds here."
