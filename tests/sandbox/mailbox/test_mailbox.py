"""The mailbox of development: it takes mail by SMTP, and shows it where it can do nothing."""

from email.message import EmailMessage
from email.policy import SMTP

import aiosmtplib

from service.core.clock import SystemClock
from tests.sandbox.lab import Lab
from tillgate_sandbox.extension import SANDBOX

EVIL = "<script>alert(1)</script><p>Hello</p>"


async def send(url: str) -> None:
    """Send a mail with a script in it to a mailbox."""
    message = EmailMessage(policy=SMTP)
    message["From"], message["To"] = "shop@shop.example", "joe@customer.example"
    message["Subject"] = "<b>A receipt</b>"
    message.set_content("In plain words")
    message.add_alternative(EVIL, subtype="html")
    port = int(url.rpartition(":")[2])
    assert url.startswith("smtp+plain://127.0.0.1:")
    await aiosmtplib.send(message, hostname="127.0.0.1", port=port, start_tls=False)


async def test_what_is_sent_to_it_is_shown_in_a_frame_that_can_do_nothing(lab: Lab) -> None:
    http = lab.api.http
    assert "Nothing has come yet" in (await http.get("/sandbox/mail")).text
    async with SANDBOX.receiving_mail(SystemClock()) as url:
        await send(url)
    listed = (await http.get("/sandbox/mail")).text
    assert "&lt;b&gt;A receipt&lt;/b&gt;" in listed
    path = next(part.partition('"')[0] for part in listed.split('href="/sandbox/mail/')[1:] if part)
    shown = await http.get(f"/sandbox/mail/{path}")
    assert "In plain words" in shown.text
    assert EVIL not in shown.text
    assert f'<iframe class="mail" sandbox src="/sandbox/mail/{path}/html"' in shown.text
    assert "frame-src 'self'" in shown.headers["content-security-policy"]
    html = await http.get(f"/sandbox/mail/{path}/html")
    assert EVIL in html.text
    policy = html.headers["content-security-policy"]
    assert policy.startswith("default-src 'none'")
    assert "; sandbox;" in policy
    assert "script-src" not in policy
    assert (await http.get("/sandbox/mail/mail_nothing")).status_code == 404
